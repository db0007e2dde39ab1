-- Writes figures that differ; those that stood there before go to
-- owner_stat_history, but for what somebody has edited beside their hash.
-- $1 source; arrays of equal length, distinct and sorted by owner and day:
-- $2 owner_id  $3 day  $4 new_chat_cnt  $5 chat_total  $6 chat_has_msg
-- $7 new_member_cnt  $8 member_total  $9 member_has_msg  $10 msg_total
-- $11 migrate_trainee_chat_cnt  $12 fetched_at  $13 hash  $14 extra
-- Changes a row per owner and day that differs. Uses owner_stat_pkey.
with n as (
    select *
      from unnest($2::text[], $3::date[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[],
                  $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::timestamptz[],
                  $13::bigint[], $14::text[])
           as n (owner_id, day, new_chat_cnt, chat_total, chat_has_msg, new_member_cnt,
                 member_total, member_has_msg, msg_total, migrate_trainee_chat_cnt, fetched_at,
                 hash, extra)
),
former as (
    insert into groupchat.owner_stat_history (source, owner_id, day, known_from, new_chat_cnt,
                                              chat_total, chat_has_msg, new_member_cnt, member_total,
                                              member_has_msg, msg_total, migrate_trainee_chat_cnt,
                                              extra, known_until)
    select s.source, s.owner_id, s.day, s.fetched_at, s.new_chat_cnt,
           s.chat_total, s.chat_has_msg, s.new_member_cnt, s.member_total,
           s.member_has_msg, s.msg_total, s.migrate_trainee_chat_cnt,
           s.extra, n.fetched_at
      from n
      join groupchat.owner_stat s on s.source = $1 and s.owner_id = n.owner_id and s.day = n.day
     where s.hash <> n.hash
    on conflict do nothing
)
insert into groupchat.owner_stat as s (source, owner_id, day, new_chat_cnt, chat_total, chat_has_msg, new_member_cnt, member_total, member_has_msg, msg_total, migrate_trainee_chat_cnt,
                                  fetched_at, hash, extra)
select $1, owner_id, day, new_chat_cnt, chat_total, chat_has_msg, new_member_cnt, member_total, member_has_msg, msg_total, migrate_trainee_chat_cnt,
       fetched_at, hash, extra::jsonb
  from n
on conflict (source, owner_id, day) do update
   set new_chat_cnt = excluded.new_chat_cnt, chat_total = excluded.chat_total,
       chat_has_msg = excluded.chat_has_msg, new_member_cnt = excluded.new_member_cnt,
       member_total = excluded.member_total, member_has_msg = excluded.member_has_msg,
       msg_total = excluded.msg_total,
       migrate_trainee_chat_cnt = excluded.migrate_trainee_chat_cnt,
       -- What was edited is put right; the vendor's figures were known before.
       fetched_at = case when s.hash = excluded.hash then s.fetched_at else excluded.fetched_at end,
       hash = excluded.hash, extra = excluded.extra
 where s.hash <> excluded.hash
    or (s.new_chat_cnt, s.chat_total, s.chat_has_msg, s.new_member_cnt,
        s.member_total, s.member_has_msg, s.msg_total, s.migrate_trainee_chat_cnt)
       is distinct from
       (excluded.new_chat_cnt, excluded.chat_total, excluded.chat_has_msg, excluded.new_member_cnt,
        excluded.member_total, excluded.member_has_msg, excluded.msg_total, excluded.migrate_trainee_chat_cnt)
