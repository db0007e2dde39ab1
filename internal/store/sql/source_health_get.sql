-- How the vendor of a source answers syncd run.
-- $1 source
-- Returns a row, or none before the first slice. Uses source_health_pkey.
select failures, resume_at, paused_at, probe_at, coalesce(error, '')
  from sync.source_health
 where source = $1
