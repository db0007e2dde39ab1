-- Adds what a transaction committed to the counters of its pass.
-- $1 pass_id  $2 pages  $3 rows_read  $4 rows_changed  $5 calls  $6 retries
-- $7 restarts  $8 rejects  $9 rejects_blind  $10 items_failed  $11 items_refused
-- $12 first and $13 last totals of the vendor to add, or null  $14 ids_noted
-- $15 true when records moved under the pages
-- Changes one row, or none when the pass is closed. Uses pass_pkey.
update sync.pass
   set pages = pages + $2, rows_read = rows_read + $3, rows_changed = rows_changed + $4,
       calls = calls + $5, retries = retries + $6, restarts = restarts + $7,
       rejects = rejects + $8, rejects_blind = rejects_blind + $9,
       items_failed = items_failed + $10, items_refused = items_refused + $11,
       total_first = coalesce(total_first + $12, total_first, $12),
       total_last = coalesce(total_last + $13, total_last, $13),
       ids_noted = ids_noted + $14, shifted = shifted or $15
 where pass_id = $1 and finished_at is null
