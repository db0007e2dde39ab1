-- Finds the open pass of a stream, which the next run would resume.
-- $1 source  $2 stream
-- Returns one row or none. Uses pass_open.
select pass_id, case when isfinite(started_at) then started_at else 'epoch' end
  from sync.pass
 where source = $1 and stream = $2 and finished_at is null
