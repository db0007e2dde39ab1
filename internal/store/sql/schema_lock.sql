-- Lets one process at a time create the schema of the version table, or grant
-- what roles may read. Held until the end of the transaction. No parameters.
select pg_advisory_xact_lock(hashtextextended('syncd schema', 0))
