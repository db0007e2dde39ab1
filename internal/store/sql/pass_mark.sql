-- Says how an open pass stands.
-- $1 pass_id  $2 outcome  $3 error or null  $4 resume_at or null
-- Changes one row. Uses pass_pkey.
update sync.pass
   set outcome = $2, error = $3, resume_at = $4
 where pass_id = $1 and finished_at is null
