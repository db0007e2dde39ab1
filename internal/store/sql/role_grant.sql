-- Lets the reading role see facts and views, and the tracking role add robot
-- messages and join ways that are to be read, where those roles exist and we own the
-- schema: only its owner may grant. Repeated after every migration. No parameters.
do $$
declare
    name text;
begin
    if exists (select from pg_roles where rolname = 'syncd_reader') then
        for name in select nspname from pg_namespace
                     where nspname in ('groupchat', 'bi') and pg_has_role(nspowner, 'usage') loop
            execute format('grant usage on schema %I to syncd_reader', name);
            execute format('grant select on all tables in schema %I to syncd_reader', name);
        end loop;
    end if;
    if exists (select from pg_roles where rolname = 'syncd_tracker') then
        for name in select tablename from pg_tables
                     where schemaname = 'groupchat' and tablename in ('robot_message', 'join_way_wanted')
                       and pg_has_role(tableowner, 'usage') loop
            execute 'grant usage on schema groupchat to syncd_tracker';
            execute format('grant insert on groupchat.%I to syncd_tracker', name);
        end loop;
    end if;
end
$$
