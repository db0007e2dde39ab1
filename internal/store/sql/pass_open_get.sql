-- Finds the open pass of a stream's mode.
-- $1 source  $2 stream  $3 mode
-- Returns one row or none. Uses pass_open.
select pass_id, scope, full_read, case when isfinite(started_at) then started_at else 'epoch' end,
       ids_noted = (select coalesce(sum(cardinality(p.ids)), 0) from sync.page p where p.pass_id = s.pass_id) as ids_kept,
       pages, rows_read, rows_changed, calls, retries, restarts,
       rejects, rejects_blind, items_failed, items_refused, total_first, total_last
  from sync.pass s
 where source = $1 and stream = $2 and mode = $3 and finished_at is null
