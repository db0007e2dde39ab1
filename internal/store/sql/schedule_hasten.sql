-- Lets paused sources be tried again at once, with the runs that were refused.
-- $1 sources  $2 now
-- Changes a row per source that is paused, and before it one per run, as everybody
-- locks them. Uses source_health_pkey and schedule_pkey.
with refused as (
    select s.source, s.stream, s.mode
      from sync.schedule s
      join sync.source_health h using (source)
     where s.source = any($1) and h.paused_at is not null and s.outcome = 'auth' and s.next_run_at > $2
     order by s.source, s.stream, s.mode
       for update of s
), due as (
    update sync.schedule s
       set next_run_at = $2
      from refused r
     where s.source = r.source and s.stream = r.stream and s.mode = r.mode
    returning 1
)
update sync.source_health
   set probe_at = $2
 where (select count(*) from due) >= 0
   and source = any($1) and paused_at is not null and probe_at > $2
