-- Adds owners that are new, filling the last batch of 100 first. The caller
-- holds source_lock, or two of them could hand out the same places.
-- A name that is not given is looked up among the staff members of the chats.
-- $1 source  $2 owner ids  $3 names or null  $4 seen at
-- $5 departments or null
-- Changes a row per owner that was not there. Uses owner_pkey and
-- chat_member_staff.
insert into groupchat.owner (source, owner_id, name, batch_no, first_seen_at, department_name)
select $1, n.owner_id,
       coalesce(n.name, (select m.name
                           from groupchat.chat_member m
                          where m.source = $1 and m.member_id = n.owner_id
                            and m.member_type = 1 and m.name <> ''
                          order by m.first_seen_at desc
                          limit 1)),
       (h.held + row_number() over (order by n.owner_id) - 1) / 100, n.seen_at, n.department
  from unnest($2::text[], $3::text[], $4::timestamptz[], $5::text[]) as n (owner_id, name, seen_at, department)
 cross join (select count(*) as held from groupchat.owner where source = $1) as h
 where not exists (select from groupchat.owner o where o.source = $1 and o.owner_id = n.owner_id)
