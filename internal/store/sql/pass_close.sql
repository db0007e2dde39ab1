-- Closes a pass.
-- $1 pass_id  $2 outcome  $3 verdict or null  $4 error or null  $5 now
-- $6 ids_distinct  $7 ids_repeated  $8 ids_counted or null  $9 lacking
-- Changes one row. Uses pass_pkey.
update sync.pass
   set outcome = $2, verdict = $3, error = $4, resume_at = null, finished_at = $5,
       ids_distinct = $6, ids_repeated = $7, ids_counted = $8, lacking = $9
 where pass_id = $1 and finished_at is null
