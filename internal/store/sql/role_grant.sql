-- Lets the reading role see facts and views, and the tracking role add robot
-- messages, where those roles exist. Repeated after every migration. No parameters.
do $$
declare
    name text;
begin
    if exists (select from pg_roles where rolname = 'syncd_reader') then
        for name in select nspname from pg_namespace where nspname in ('groupchat', 'bi') loop
            execute format('grant usage on schema %I to syncd_reader', name);
            execute format('grant select on all tables in schema %I to syncd_reader', name);
        end loop;
    end if;
    if exists (select from pg_roles where rolname = 'syncd_tracker')
       and to_regclass('groupchat.robot_message') is not null then
        grant usage on schema groupchat to syncd_tracker;
        grant insert on groupchat.robot_message to syncd_tracker;
    end if;
end
$$
