-- Takes runs that are due and holds their rows; those that another process is
-- enqueuing are passed over. The oldest run of each source comes first, then the
-- second oldest of each, and so on: jobs of sources that were never served are
-- fetched in this order. Of a paused source there are runs once it is to be tried.
-- $1 now  $2 how many at most
-- Returns a row per run. Uses schedule_due, schedule_pkey and source_health_pkey.
select s.source, s.stream, s.mode, s.expression, s.timezone, s.next_run_at, h.paused_at is not null
  from (select source, stream, mode, row_number() over (partition by source order by next_run_at, stream, mode) as nth
          from sync.schedule
         where enabled and halted_at is null and next_run_at <= $1) due
  join sync.schedule s using (source, stream, mode)
  left join sync.source_health h on h.source = s.source
 where s.enabled and s.halted_at is null and s.next_run_at <= $1
   and (h.paused_at is null or h.probe_at <= $1)
 order by due.nth, s.next_run_at, s.source
 limit $2
   for update of s skip locked
