-- Lets jobs of River that wait for their time go on now. Jobs that River is about
-- to fetch anyway are left alone.
-- $1 River's queue
-- Changes a row per job. Uses river_job_prioritized_fetching_index.
with waiting as (
    select id
      from river.river_job
     where state in ('scheduled', 'retryable') and queue = $1 and scheduled_at > now()
       for update skip locked
)
update river.river_job j
   set scheduled_at = now()
  from waiting w
 where j.id = w.id
