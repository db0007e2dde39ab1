-- Writes figures of batches that are new or differ.
-- $1 source; arrays of equal length, distinct and sorted by day and batch:
-- $2 day  $3 batch_no  $4 owners_covered  $5 new_chat_cnt  $6 chat_total
-- $7 chat_has_msg  $8 new_member_cnt  $9 member_total  $10 member_has_msg
-- $11 msg_total  $12 migrate_trainee_chat_cnt  $13 fetched_at  $14 hash  $15 extra
-- Changes a row per day and batch that differs. Uses daily_stat_part_pkey.
insert into groupchat.daily_stat_part as p (source, day, batch_no, owners_covered, new_chat_cnt, chat_total,
                                       chat_has_msg, new_member_cnt, member_total, member_has_msg,
                                       msg_total, migrate_trainee_chat_cnt, fetched_at, hash, extra)
select $1, day, batch_no, owners_covered, new_chat_cnt, chat_total,
       chat_has_msg, new_member_cnt, member_total, member_has_msg,
       msg_total, migrate_trainee_chat_cnt, fetched_at, hash, extra::jsonb
  from unnest($2::date[], $3::int[], $4::int[], $5::bigint[], $6::bigint[], $7::bigint[],
              $8::bigint[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[],
              $13::timestamptz[], $14::bigint[], $15::text[])
       as n (day, batch_no, owners_covered, new_chat_cnt, chat_total, chat_has_msg,
             new_member_cnt, member_total, member_has_msg, msg_total, migrate_trainee_chat_cnt,
             fetched_at, hash, extra)
on conflict (source, day, batch_no) do update
   set owners_covered = excluded.owners_covered, new_chat_cnt = excluded.new_chat_cnt,
       chat_total = excluded.chat_total,
       chat_has_msg = excluded.chat_has_msg,
       new_member_cnt = excluded.new_member_cnt,
       member_total = excluded.member_total,
       member_has_msg = excluded.member_has_msg,
       msg_total = excluded.msg_total,
       migrate_trainee_chat_cnt = excluded.migrate_trainee_chat_cnt,
       fetched_at = case when p.hash = excluded.hash then p.fetched_at else excluded.fetched_at end,
       hash = excluded.hash, extra = excluded.extra
 where p.owners_covered <> excluded.owners_covered or p.hash <> excluded.hash
    or (p.new_chat_cnt, p.chat_total, p.chat_has_msg, p.new_member_cnt,
        p.member_total, p.member_has_msg, p.msg_total, p.migrate_trainee_chat_cnt)
       is distinct from
       (excluded.new_chat_cnt, excluded.chat_total, excluded.chat_has_msg, excluded.new_member_cnt,
        excluded.member_total, excluded.member_has_msg, excluded.msg_total, excluded.migrate_trainee_chat_cnt)
