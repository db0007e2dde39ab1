-- Puts days together of which every batch is in, but for those that have retired
-- and those of which nobody can be asked for. A figure that no batch tells stays null.
-- $1 source  $2 stream of the parts  $3 days, distinct and sorted  $4 now
-- $5 the code of days of a batch of which nobody can be asked for
-- Changes a row per day that is new or differs. Uses daily_stat_part_pkey,
-- coverage_pkey and daily_stat_pkey.
insert into groupchat.daily_stat as d (source, day, batches, owners_covered, new_chat_cnt, chat_total,
                                       chat_has_msg, new_member_cnt, member_total, member_has_msg,
                                       msg_total, migrate_trainee_chat_cnt, fetched_at)
select $1, p.day, count(*), sum(p.owners_covered), sum(p.new_chat_cnt), sum(p.chat_total),
       sum(p.chat_has_msg), sum(p.new_member_cnt), sum(p.member_total), sum(p.member_has_msg),
       sum(p.msg_total), sum(p.migrate_trainee_chat_cnt), $4
  from groupchat.daily_stat_part p
 where p.source = $1 and p.day = any ($3::date[])
   and not exists (select from sync.coverage c
                    where c.source = $1 and c.stream = $2 and c.retired_on is null and not c.covered @> p.day
                      and not (c.refused_code = $5 and c.refused @> p.day))
 group by p.day
 order by p.day
on conflict (source, day) do update
   set batches = excluded.batches, owners_covered = excluded.owners_covered,
       new_chat_cnt = excluded.new_chat_cnt,
       chat_total = excluded.chat_total,
       chat_has_msg = excluded.chat_has_msg,
       new_member_cnt = excluded.new_member_cnt,
       member_total = excluded.member_total,
       member_has_msg = excluded.member_has_msg,
       msg_total = excluded.msg_total,
       migrate_trainee_chat_cnt = excluded.migrate_trainee_chat_cnt,
       fetched_at = excluded.fetched_at
 where (d.batches, d.owners_covered, d.new_chat_cnt, d.chat_total, d.chat_has_msg, d.new_member_cnt,
        d.member_total, d.member_has_msg, d.msg_total, d.migrate_trainee_chat_cnt)
       is distinct from
       (excluded.batches, excluded.owners_covered, excluded.new_chat_cnt, excluded.chat_total,
        excluded.chat_has_msg, excluded.new_member_cnt, excluded.member_total, excluded.member_has_msg,
        excluded.msg_total, excluded.migrate_trainee_chat_cnt)
