-- Tells how a stream and its source stand before a slice.
-- $1 source  $2 stream  $3 mode
-- Returns one row, or none without a schedule. Uses schedule_pkey and
-- source_health_pkey.
select s.enabled, s.halted_at is not null, h.paused_at is not null, h.resume_at, s.failures, coalesce(h.failures, 0)
  from sync.schedule s
  left join sync.source_health h on h.source = s.source
 where s.source = $1 and s.stream = $2 and s.mode = $3
