-- Bounds how long the statements of this transaction wait for a lock.
-- $1 bound, ms
-- Returns one row.
select set_config('lock_timeout', $1, true)
