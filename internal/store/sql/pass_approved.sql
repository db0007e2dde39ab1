-- Tells how many records the latest pass of a stream's mode that ended has missed, if
-- it was held and approved, and otherwise 0.
-- $1 source  $2 stream  $3 mode
-- Returns one value or no row. Uses pass_complete.
select case when held and approved_at is not null then candidates else 0 end
  from sync.pass
 where source = $1 and stream = $2 and mode = $3 and outcome = 'complete'
 order by pass_id desc
 limit 1
