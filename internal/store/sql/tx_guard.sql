-- Opens a fenced transaction: bounds how long it may idle or run, asks for
-- custom plans (a generic plan made on an empty table scans the whole of it),
-- bears the name by which lease_break finds it, and holds the lease row until
-- the end.
-- $1 source  $2 stream  $3 fence  $4 idle bound, ms  $5 statement bound, ms
-- Returns one row, or none when the lease has a newer fence. Uses lease_pkey.
select set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('idle_in_transaction_session_timeout', $4, true),
       set_config('statement_timeout', $5, true),
       set_config('application_name', sync.commit_name($1, $2, $3), true)
  from sync.lease
 where source = $1 and stream = $2 and fence = $3
   for share
