-- Counts the jobs of all processes, and the runs that wait to be enqueued.
-- $1 River's queue  $2 now
-- Returns one row; the lag is in seconds. Uses schedule_due and
-- river_job_prioritized_fetching_index.
select j.ready, j.running, j.waiting, s.due, s.lag
  from (select count(*) filter (where state = 'available' and scheduled_at <= now()) as ready,
               count(*) filter (where state = 'running') as running,
               count(*) filter (where state in ('scheduled', 'retryable', 'pending')
                                   or state = 'available' and scheduled_at > now()) as waiting
          from river.river_job
         where queue = $1 and state in ('available', 'running', 'scheduled', 'retryable', 'pending')) j
 cross join (select count(*) as due, coalesce(extract(epoch from $2 - min(next_run_at)), 0)::float8 as lag
               from sync.schedule
              where enabled and halted_at is null and next_run_at <= $2) s
