-- Tells the newest migration that has run. No parameters.
-- Returns one number, 0 when none has. Fails with 42P01 before the first one.
select coalesce(max(version_id), 0) from sync.schema_version where is_applied
