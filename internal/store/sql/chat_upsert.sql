-- Writes chats. A new one is inserted; a known one takes what the answer tells
-- and keeps the rest. When a tracked value changes, the former ones go to
-- chat_history: those of the locked row, which another stream may have written
-- since this statement began. Versions get distinct times in the order in which
-- they are written, also when the answers crossed.
-- $1 source; arrays of equal length, distinct and sorted by chat_id, null where
-- the answer does not tell: $2 chat_id  $3 name  $4 owner_id  $5 owner_name
-- $6 department_name  $7 status  $8 notice  $9 member_count  $10 group_set_id
-- $11 relation_type  $12 created_at  $13 extra  $14 read at  $15 listed_at
-- $16 detail_at  $17 list_hash  $18 detail_hash  $19 list_scope
-- A chat that a list tells of is not gone (any more).
-- Changes a row per chat. Looks each one up in chat_pkey, as chat_ask does, and
-- locks them in the order of $2.
with n as (
    select *
      from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[],
                  $8::text[], $9::bigint[], $10::text[], $11::text[], $12::timestamptz[],
                  $13::text[], $14::timestamptz[], $15::timestamptz[], $16::timestamptz[],
                  $17::bigint[], $18::bigint[], $19::bigint[])
           as n (chat_id, name, owner_id, owner_name, department_name, status,
                 notice, member_count, group_set_id, relation_type, created_at,
                 extra, read_at, listed_at, detail_at, list_hash, detail_hash,
                 list_scope)
),
was as materialized (
    select c.*
      from n
     cross join lateral (select c.source, c.chat_id, c.known_from, c.name, c.owner_id, c.status,
                                c.notice, c.gone_at
                           from groupchat.chat c
                          where c.source = $1 and c.chat_id = n.chat_id
                            for no key update) c
),
former as (
    insert into groupchat.chat_history (source, chat_id, known_from, name, owner_id, status,
                                        notice, gone_at, known_until)
    select c.source, c.chat_id, c.known_from, c.name, c.owner_id, c.status,
           c.notice, c.gone_at, greatest(n.read_at, c.known_from + interval '1 microsecond')
      from n
      join was c on c.chat_id = n.chat_id
     where n.name <> c.name or n.owner_id <> c.owner_id
        or n.status <> c.status or n.notice <> c.notice
        or (n.listed_at is not null and c.gone_at is not null)
    on conflict do nothing
)
insert into groupchat.chat as c (source, chat_id, name, owner_id, owner_name, department_name,
                                 status, notice, member_count, group_set_id, relation_type,
                                 created_at, extra, first_seen_at, known_from, listed_at,
                                 detail_at, list_hash, detail_hash, list_scope)
select $1, n.chat_id, n.name, n.owner_id, owner_name, department_name, n.status, n.notice,
       member_count, group_set_id, relation_type, created_at, extra::jsonb, read_at,
       greatest(read_at, was.known_from + interval '1 microsecond'), listed_at,
       detail_at, list_hash, detail_hash, list_scope
  from n
  left join was on was.chat_id = n.chat_id
 order by n.chat_id collate "C"
on conflict (source, chat_id) do update
   set name            = coalesce(excluded.name, c.name),
       owner_id        = coalesce(excluded.owner_id, c.owner_id),
       owner_name      = coalesce(excluded.owner_name, c.owner_name),
       department_name = coalesce(excluded.department_name, c.department_name),
       status          = coalesce(excluded.status, c.status),
       notice          = coalesce(excluded.notice, c.notice),
       member_count    = coalesce(excluded.member_count, c.member_count),
       group_set_id    = coalesce(excluded.group_set_id, c.group_set_id),
       relation_type   = coalesce(excluded.relation_type, c.relation_type),
       created_at      = coalesce(excluded.created_at, c.created_at),
       extra           = case when excluded.extra is null then c.extra
                              else coalesce(c.extra, '{}') || excluded.extra end,
       known_from      = case when (c.name, c.owner_id, c.status, c.notice)
                                   is distinct from
                                   (coalesce(excluded.name, c.name),
                                    coalesce(excluded.owner_id, c.owner_id),
                                    coalesce(excluded.status, c.status),
                                    coalesce(excluded.notice, c.notice))
                                or (excluded.listed_at is not null and c.gone_at is not null)
                              then excluded.known_from else c.known_from end,
       listed_at       = coalesce(excluded.listed_at, c.listed_at),
       detail_at       = coalesce(excluded.detail_at, c.detail_at),
       list_hash       = coalesce(excluded.list_hash, c.list_hash),
       detail_hash     = coalesce(excluded.detail_hash, c.detail_hash),
       list_scope      = coalesce(excluded.list_scope, c.list_scope),
       gone_at         = case when excluded.listed_at is null then c.gone_at end,
       gone_reason     = case when excluded.listed_at is null then c.gone_reason end
