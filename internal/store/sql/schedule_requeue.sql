-- Places the jobs of a source that wait behind those of all other sources. Jobs
-- that are being fetched are left alone.
-- $1 source  $2 River's queue
-- Changes a row for each of them. Uses river_job_prioritized_fetching_index or
-- river_job_args_index.
with waiting as (
    select id
      from river.river_job
     where state = 'available' and queue = $2 and scheduled_at < now()
       and args @> jsonb_build_object('source', $1::text)
       for update skip locked
)
update river.river_job j
   set scheduled_at = now()
  from waiting w
 where j.id = w.id
