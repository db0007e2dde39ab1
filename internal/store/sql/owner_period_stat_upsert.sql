-- Writes figures of owners over periods that are new or differ.
-- $1 source; arrays of equal length, distinct and sorted by key: $2 owner_id
-- $3 day_from  $4 day_to  $5 new_chat_cnt  $6 chat_total  $7 chat_has_msg
-- $8 new_member_cnt  $9 member_total  $10 member_has_msg  $11 msg_total
-- $12 migrate_trainee_chat_cnt  $13 fetched_at  $14 hash  $15 extra
-- Changes a row per owner and period that differs. Uses owner_period_stat_pkey.
insert into groupchat.owner_period_stat as s (source, owner_id, day_from, day_to, new_chat_cnt, chat_total,
                                              chat_has_msg, new_member_cnt, member_total, member_has_msg,
                                              msg_total, migrate_trainee_chat_cnt, fetched_at, hash, extra)
select $1, owner_id, day_from, day_to, new_chat_cnt, chat_total,
       chat_has_msg, new_member_cnt, member_total, member_has_msg,
       msg_total, migrate_trainee_chat_cnt, fetched_at, hash, extra::jsonb
  from unnest($2::text[], $3::date[], $4::date[], $5::bigint[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
              $13::timestamptz[], $14::bigint[], $15::text[])
       as n (owner_id, day_from, day_to, new_chat_cnt, chat_total, chat_has_msg,
             new_member_cnt, member_total, member_has_msg, msg_total, migrate_trainee_chat_cnt,
             fetched_at, hash, extra)
on conflict (source, owner_id, day_from, day_to) do update
   set new_chat_cnt = excluded.new_chat_cnt,
       chat_total = excluded.chat_total,
       chat_has_msg = excluded.chat_has_msg,
       new_member_cnt = excluded.new_member_cnt,
       member_total = excluded.member_total,
       member_has_msg = excluded.member_has_msg,
       msg_total = excluded.msg_total,
       migrate_trainee_chat_cnt = excluded.migrate_trainee_chat_cnt,
       fetched_at = case when s.hash = excluded.hash then s.fetched_at else excluded.fetched_at end,
       hash = excluded.hash, extra = excluded.extra
 where s.hash <> excluded.hash
    or (s.new_chat_cnt, s.chat_total, s.chat_has_msg, s.new_member_cnt,
        s.member_total, s.member_has_msg, s.msg_total, s.migrate_trainee_chat_cnt)
       is distinct from
       (excluded.new_chat_cnt, excluded.chat_total, excluded.chat_has_msg, excluded.new_member_cnt,
        excluded.member_total, excluded.member_has_msg, excluded.msg_total, excluded.migrate_trainee_chat_cnt)
