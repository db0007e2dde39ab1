-- Tells the newest migration of River that has run. No parameters.
-- Returns one number, 0 when none has. Fails with 42P01 before the first one.
select coalesce(max(version), 0) from river.river_migration where line = 'main'
