-- What the user may not do and a sync, a daemon or a look at them has to. No parameters.
-- Returns a text for each: "usage on schema sync", "insert on groupchat.chat";
-- none where all is well or the schemas are not there yet.
select format('usage on schema %I', n.nspname)
  from pg_namespace n
 where n.nspname in ('sync', 'groupchat', 'bi', 'river') and not has_schema_privilege(n.oid, 'usage')
union all
(select format('%s on %I.%I', p.privilege, n.nspname, c.relname)
   from pg_class c
   join pg_namespace n on n.oid = c.relnamespace
  cross join (values ('select', 1), ('insert', 2), ('update', 3), ('delete', 4)) as p (privilege, n)
  where n.nspname in ('sync', 'groupchat', 'bi', 'river') and c.relkind in ('r', 'p', 'v')
    and not (p.privilege = 'delete' and n.nspname = 'groupchat'
             and c.relname not in ('owner_stat', 'robot_message', 'robot_message_read'))
    and not (p.privilege <> 'select' and (c.relkind = 'v' or c.relname in ('schema_version', 'river_migration')))
    and not has_table_privilege(c.oid, p.privilege)
  order by n.nspname, c.relname, p.n)
union all
(select format('usage on sequence %I.%I', n.nspname, c.relname)
   from pg_sequence s
   join pg_class c on c.oid = s.seqrelid
   join pg_namespace n on n.oid = c.relnamespace
  where n.nspname = 'river' and not has_sequence_privilege(s.seqrelid, 'usage, update')
  order by c.relname)
