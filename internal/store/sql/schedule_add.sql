-- Adds the schedules that are new.
-- $1 sources  $2 streams  $3 modes  $4 expressions  $5 timezones  $6 first runs
-- Changes a row for each that was unknown. Uses schedule_pkey.
insert into sync.schedule (source, stream, mode, expression, timezone, next_run_at)
select *
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
       as w (source, stream, mode, expression, timezone, next_run_at)
 order by source, stream, mode
on conflict do nothing
