-- Writes spells that are open now: new, changed, or open again.
-- $1 source; arrays of equal length, distinct and sorted by key: $2 chat_id
-- $3 member_id  $4 joined_at  $5 member_type  $6 name  $7 group_nickname
-- $8 union_id  $9 join_scene  $10 invitor_id  $11 state  $12 is_admin
-- $13 first_seen_at  $14 hash  $15 extra
-- Changes a row per spell. Uses chat_member_pkey.
insert into groupchat.chat_member (source, chat_id, member_id, joined_at, member_type, name,
                                   group_nickname, union_id, join_scene, invitor_id, state,
                                   is_admin, first_seen_at, hash, extra)
select $1, chat_id, member_id, joined_at, member_type, name, group_nickname, union_id,
       join_scene, invitor_id, state, is_admin, first_seen_at, hash, extra::jsonb
  from unnest($2::text[], $3::text[], $4::timestamptz[], $5::bigint[], $6::text[], $7::text[],
              $8::text[], $9::bigint[], $10::text[], $11::text[], $12::bool[],
              $13::timestamptz[], $14::bigint[], $15::text[])
       as n (chat_id, member_id, joined_at, member_type, name, group_nickname,
             union_id, join_scene, invitor_id, state, is_admin,
             first_seen_at, hash, extra)
on conflict (source, chat_id, member_id, joined_at) do update
   set member_type = excluded.member_type, name = excluded.name,
       group_nickname = excluded.group_nickname, union_id = excluded.union_id,
       join_scene = excluded.join_scene, invitor_id = excluded.invitor_id,
       state = excluded.state, is_admin = excluded.is_admin, hash = excluded.hash,
       extra = excluded.extra, left_after = null, left_before = null
