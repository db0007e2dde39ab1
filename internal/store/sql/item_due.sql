-- Lists items that a pass still has to read: never-fetched ones first, then by
-- due_at; doubtful ones last. Whatever the pass has settled is due later than it
-- began. No other time is looked at: clocks go back, and differ between hosts.
-- $1 source  $2 stream  $3 start of the pass  $4 how many at most
-- Returns them in that order. Scans the items of the stream (item_pkey).
select subject, case when isfinite(due_at) then due_at else 'epoch' end, failures, doubt_hash is not null as doubtful,
       params, case when isfinite(born_at) then born_at end
  from sync.item
 where source = $1 and stream = $2
   and (due_at <= $3 or doubt_hash is not null)
 order by doubt_hash is not null, fetched_at is not null, due_at, subject
 limit $4
