-- Books the next calls at an endpoint, one after the other, behind those that were
-- booked before. A time that lies far ahead, as a hundred bookings like this one do not
-- reach, is a clock's that was set back.
-- $1 source  $2 endpoint, '' being all of them  $3 how many  $4 seconds between two
-- Returns the seconds until the first one. Uses call_pace_pkey; holds the row until
-- the end of the transaction.
insert into sync.call_pace as p (source, endpoint, free_at)
values ($1, $2, clock_timestamp() + make_interval(secs => $3::int * $4::float8))
on conflict (source, endpoint) do update
   set free_at = case
           when p.free_at > clock_timestamp() + make_interval(mins => 2, secs => 100 * $3::int * $4::float8) then clock_timestamp()
           else greatest(p.free_at, clock_timestamp()) end + make_interval(secs => $3::int * $4::float8)
returning greatest(extract(epoch from p.free_at - clock_timestamp())::float8 - $3::int * $4::float8, 0)
