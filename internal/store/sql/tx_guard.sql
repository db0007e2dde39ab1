-- Opens a fenced transaction: bounds how long it may idle or run, asks for
-- custom plans (a generic plan made on an empty table scans the whole of it),
-- and holds the lease row until the end.
-- $1 source  $2 stream  $3 fence  $4 idle bound, ms  $5 statement bound, ms
-- Returns one row, or none when the lease has a newer fence. Uses lease_pkey.
select set_config('plan_cache_mode', 'force_custom_plan', true),
       set_config('idle_in_transaction_session_timeout', $4, true),
       set_config('statement_timeout', $5, true)
  from sync.lease
 where source = $1 and stream = $2 and fence = $3
   for share
