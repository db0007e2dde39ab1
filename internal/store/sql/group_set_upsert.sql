-- Writes group sets that are new or differ. One that a list tells of is not gone
-- (any more).
-- $1 source  $2 scope; arrays of equal length, distinct and sorted by id, null where
-- the answer does not tell: $3 group_set_id  $4 name  $5 relation_type  $6 owner_id
-- $7 member_quota  $8 member_count  $9 chat_count  $10 notice  $11 created_at
-- $12 changed_at  $13 extra  $14 read at  $15 hash
-- Changes a row per group set. Uses group_set_pkey.
insert into groupchat.group_set as g (source, group_set_id, name, relation_type, owner_id, member_quota,
                                      member_count, chat_count, notice, created_at, changed_at, extra,
                                      first_seen_at, listed_at, list_hash, list_scope)
select $1, group_set_id, name, relation_type, owner_id, member_quota,
       member_count, chat_count, notice, created_at, changed_at, extra::jsonb, read_at, read_at, hash, $2
  from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::bigint[],
              $10::text[], $11::timestamptz[], $12::timestamptz[], $13::text[], $14::timestamptz[], $15::bigint[])
       as n (group_set_id, name, relation_type, owner_id, member_quota, member_count, chat_count,
             notice, created_at, changed_at, extra, read_at, hash)
on conflict (source, group_set_id) do update
   set name = excluded.name, relation_type = excluded.relation_type, owner_id = excluded.owner_id,
       member_quota = excluded.member_quota, member_count = excluded.member_count,
       chat_count = excluded.chat_count, notice = excluded.notice, created_at = excluded.created_at,
       changed_at = excluded.changed_at, extra = excluded.extra, listed_at = excluded.listed_at,
       gone_at = null, gone_reason = null,
       list_hash = excluded.list_hash, list_scope = excluded.list_scope
