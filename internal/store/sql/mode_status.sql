-- How one mode of a stream stands.
-- $1 source  $2 stream  $3 mode  $4 scope
-- Returns one row: when the open pass began, null without one, and when the latest
-- complete one did if that was of this scope. Uses pass_open and pass_complete.
select (select case when isfinite(started_at) then started_at else 'epoch' end
          from sync.pass
         where source = $1 and stream = $2 and mode = $3 and finished_at is null),
       (select case when scope = $4 and isfinite(started_at) then started_at end
          from sync.pass
         where source = $1 and stream = $2 and mode = $3 and outcome = 'complete'
         order by pass_id desc
         limit 1)
