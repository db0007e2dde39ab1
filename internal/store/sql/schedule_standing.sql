-- Tells how a stream and its source stand before a slice, and whether a job of a
-- source that was served less recently could run instead. Sources that are
-- paused or left alone could not.
-- $1 source  $2 stream  $3 mode  $4 now  $5 River's queue  $6 priority
-- Returns one row, or none without a schedule. Uses schedule_pkey,
-- source_health_pkey and river_job_prioritized_fetching_index.
select s.enabled, s.halted_at is not null, h.paused_at is not null, h.resume_at,
       s.failures, coalesce(h.failures, 0),
       h.served_at is not null and exists (
           select
             from river.river_job j
             left join sync.source_health o on o.source = j.args ->> 'source'
            where j.state = 'available' and j.queue = $5 and j.priority <= $6 and j.scheduled_at <= now()
              and j.args ->> 'source' <> s.source
              and (o.served_at is null or o.served_at < h.served_at)
              and o.paused_at is null and (o.resume_at is null or o.resume_at <= $4))
  from sync.schedule s
  left join sync.source_health h on h.source = s.source
 where s.source = $1 and s.stream = $2 and s.mode = $3
