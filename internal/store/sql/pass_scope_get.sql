-- Tells the scope of the latest pass of a stream's mode that ended.
-- $1 source  $2 stream  $3 mode
-- Returns one value or no row. Uses pass_complete.
select scope
  from sync.pass
 where source = $1 and stream = $2 and mode = $3 and outcome = 'complete'
 order by pass_id desc
 limit 1
