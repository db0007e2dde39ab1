-- Sets when runs that were due are due next.
-- $1 sources  $2 streams  $3 modes  $4 next runs  $5 whether a job was enqueued
-- $6 now
-- Changes a row each. Uses schedule_pkey.
update sync.schedule s
   set next_run_at = a.next_run_at,
       last_run_at = case when a.ran then $6 else s.last_run_at end
  from unnest($1::text[], $2::text[], $3::text[], $4::timestamptz[], $5::boolean[])
       as a (source, stream, mode, next_run_at, ran)
 where s.source = a.source and s.stream = a.stream and s.mode = a.mode
