-- Lets one process at a time apply its schedules. Held until the end of the
-- transaction. No parameters.
select pg_advisory_xact_lock(hashtextextended('syncd schedule', 0))
