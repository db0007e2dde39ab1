-- Creates the schema of the version table where it is missing: a role that may not
-- create schemas is refused even by "if not exists". No parameters.
do $$
begin
    if not exists (select from pg_namespace where nspname = 'sync') then
        create schema sync;
    end if;
end
$$
