-- Notes which days a stream of statistics wants, for the views.
-- $1 source  $2 stream  $3 days before today  $4 ready hour
-- Changes one row, or none where that is noted already. Uses stat_window_pkey.
insert into sync.stat_window as w (source, stream, days, ready_hour)
values ($1, $2, $3, $4)
on conflict (source, stream) do update
   set days = excluded.days, ready_hour = excluded.ready_hour
 where (w.days, w.ready_hour) is distinct from (excluded.days, excluded.ready_hour)
