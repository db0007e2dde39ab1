-- Takes runs that are due, the oldest first, and holds their rows; those that
-- another process is enqueuing are passed over. Of a paused source there are
-- runs once it is to be tried.
-- $1 now  $2 how many at most
-- Returns a row per run. Uses schedule_due and source_health_pkey.
select s.source, s.stream, s.mode, s.expression, s.timezone, s.next_run_at, h.paused_at is not null
  from sync.schedule s
  left join sync.source_health h on h.source = s.source
 where s.enabled and s.halted_at is null and s.next_run_at <= $1
   and (h.paused_at is null or h.probe_at <= $1)
 order by s.next_run_at, s.source, s.stream, s.mode
 limit $2
   for update of s skip locked
