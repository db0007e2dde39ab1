-- Finds the open pass of a stream's mode, which the next run would resume.
-- $1 source  $2 stream  $3 mode
-- Returns one row or none. Uses pass_open.
select pass_id, case when isfinite(started_at) then started_at else 'epoch' end
  from sync.pass
 where source = $1 and stream = $2 and mode = $3 and finished_at is null
