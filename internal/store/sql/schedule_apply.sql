-- Makes known schedules those of the configuration: another expression has
-- another next run, unless a run is due already; what was halted runs again.
-- $1 sources  $2 streams  $3 modes  $4 expressions  $5 timezones  $6 next runs
-- $7 now
-- Changes the rows that are not so already. Uses schedule_pkey.
update sync.schedule s
   set expression = w.expression, timezone = w.timezone, enabled = true, halted_at = null,
       next_run_at = case
           when s.expression = w.expression and s.timezone = w.timezone or s.next_run_at <= $7 then s.next_run_at
           else w.next_run_at end
  from unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::timestamptz[])
       as w (source, stream, mode, expression, timezone, next_run_at)
 where w.source = s.source and w.stream = s.stream and w.mode = s.mode
   and (not s.enabled or s.halted_at is not null or s.expression <> w.expression or s.timezone <> w.timezone)
