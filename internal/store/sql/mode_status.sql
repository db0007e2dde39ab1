-- How one mode of a stream stands.
-- $1 source  $2 stream  $3 mode  $4 scope
-- Returns one row: whether a pass is open, and when the latest complete one began
-- if that was of this scope. Uses pass_open and pass_latest.
select exists (select from sync.pass
                where source = $1 and stream = $2 and mode = $3 and finished_at is null),
       (select case when scope = $4 and isfinite(started_at) then started_at end
          from sync.pass
         where source = $1 and stream = $2 and mode = $3 and outcome = 'complete'
         order by pass_id desc
         limit 1)
