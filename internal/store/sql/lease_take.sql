-- Takes a lease that is free or expired, under a new fence.
-- $1 source  $2 stream  $3 holder  $4 time to live, seconds
-- Returns the fence, or no row while another holder is live. Uses lease_pkey.
insert into sync.lease as l (source, stream, holder, fence, taken_at, expires_at)
values ($1, $2, $3, 1, clock_timestamp(), clock_timestamp() + make_interval(secs => $4))
on conflict (source, stream) do update
   set holder = excluded.holder, fence = l.fence + 1,
       taken_at = excluded.taken_at, expires_at = excluded.expires_at
 where l.expires_at <= clock_timestamp()
returning fence
