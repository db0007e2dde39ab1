-- Gives jobs of River another priority.
-- $1 job ids  $2 priority
-- Changes the rows whose priority differs. Uses river_job_pkey.
update river.river_job set priority = $2 where id = any($1) and priority <> $2
