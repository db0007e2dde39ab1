-- Notes how a slice ended.
-- $1 source  $2 stream  $3 mode  $4 when  $5 outcome  $6 why, or null
-- $7 it failed  $8 it went well  $9 earliest next slice, or null
-- $10 the schedule is halted  $11 when the run is due again at the latest, or null
-- Changes one row, or none without a schedule. Uses schedule_pkey.
update sync.schedule
   set slice_at = $4, outcome = $5, error = $6, resume_at = $9,
       failures = case when $7 then failures + 1 when $8 then 0 else failures end,
       halted_at = case when $10 then $4 else halted_at end,
       next_run_at = least(next_run_at, $11)
 where source = $1 and stream = $2 and mode = $3
