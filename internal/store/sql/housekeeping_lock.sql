-- Lets one process at a time tidy up. Held until the end of the transaction; not
-- waited for. No parameters.
-- Returns whether it is ours.
select pg_try_advisory_xact_lock(hashtextextended('syncd housekeeping', 0))
