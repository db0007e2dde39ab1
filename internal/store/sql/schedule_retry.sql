-- Makes due again the runs that ended because the vendor refuses the credential.
-- $1 sources  $2 now
-- Changes a row per run. Uses source_health_pkey and schedule_pkey.
update sync.schedule s
   set next_run_at = $2
  from sync.source_health h
 where h.source = any($1) and h.paused_at is not null
   and s.source = h.source and s.outcome = 'auth' and s.next_run_at > $2
