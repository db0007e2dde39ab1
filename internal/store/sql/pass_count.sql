-- Adds what a transaction committed to the counters of its pass.
-- $1 pass_id  $2 pages  $3 rows_read  $4 rows_changed  $5 calls  $6 retries
-- $7 restarts  $8 ids_distinct  $9 ids_repeated  $10 rejects  $11 rejects_blind
-- $12 items_failed  $13 items_refused  $14 total of the vendor, or null
-- Changes one row, or none when the pass is closed. Uses pass_pkey.
update sync.pass
   set pages = pages + $2, rows_read = rows_read + $3, rows_changed = rows_changed + $4,
       calls = calls + $5, retries = retries + $6, restarts = restarts + $7,
       ids_distinct = ids_distinct + $8, ids_repeated = ids_repeated + $9,
       rejects = rejects + $10, rejects_blind = rejects_blind + $11,
       items_failed = items_failed + $12, items_refused = items_refused + $13,
       total_first = coalesce(total_first, $14), total_last = coalesce($14, total_last)
 where pass_id = $1 and finished_at is null
