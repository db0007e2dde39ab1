-- Lets the reading role see facts and views, where that role exists. Repeated
-- after every migration. No parameters.
do $$
declare
    name text;
begin
    if not exists (select from pg_roles where rolname = 'syncd_reader') then
        return;
    end if;
    for name in select nspname from pg_namespace where nspname in ('groupchat', 'bi') loop
        execute format('grant usage on schema %I to syncd_reader', name);
        execute format('grant select on all tables in schema %I to syncd_reader', name);
    end loop;
end
$$
