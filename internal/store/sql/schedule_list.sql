-- When the streams of a source run, and how their latest slices ended.
-- $1 source
-- Returns a row per stream and mode that has a schedule in force. Uses
-- schedule_pkey.
select stream, mode, expression, next_run_at, last_run_at, coalesce(outcome, ''), failures, resume_at, halted_at,
       coalesce(error, '')
  from sync.schedule
 where source = $1 and enabled
