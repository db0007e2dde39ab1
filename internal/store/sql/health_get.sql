-- What the database says of itself. No parameters.
-- Returns one row: version as a number and as a text, database, user, encoding,
-- whether writing is refused, the clock, size in bytes, whether the user may
-- create schemas.
select current_setting('server_version_num')::int, current_setting('server_version'), current_database(), current_user,
       current_setting('server_encoding'),
       pg_is_in_recovery() or current_setting('transaction_read_only')::boolean,
       clock_timestamp(), pg_database_size(current_database()),
       has_database_privilege(current_database(), 'create')
