-- Tells which process of the server answers. No parameters.
-- Returns its id.
select pg_backend_pid()
