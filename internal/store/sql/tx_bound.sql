-- Bounds how long this transaction may idle: a process that is stopped inside one
-- keeps its locks until it is woken, or the server ends it.
-- $1 bound, ms
-- Returns one row.
select set_config('idle_in_transaction_session_timeout', $1, true)
