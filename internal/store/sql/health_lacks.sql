-- What the user may not do and a sync has to. No parameters.
-- Returns a text for each: "usage on schema sync", "insert on groupchat.chat";
-- none where all is well or the schemas are not there yet.
select format('usage on schema %I', n.nspname)
  from pg_namespace n
 where n.nspname in ('sync', 'groupchat') and not has_schema_privilege(n.oid, 'usage')
union all
(select format('%s on %I.%I', p.privilege, n.nspname, c.relname)
   from pg_class c
   join pg_namespace n on n.oid = c.relnamespace
  cross join (values ('select', 1), ('insert', 2), ('update', 3), ('delete', 4)) as p (privilege, n)
  where n.nspname in ('sync', 'groupchat') and c.relkind in ('r', 'p')
    and not (p.privilege = 'delete' and n.nspname = 'groupchat')
    and not (p.privilege <> 'select' and c.relname = 'schema_version')
    and not has_table_privilege(c.oid, p.privilege)
  order by n.nspname, c.relname, p.n)
