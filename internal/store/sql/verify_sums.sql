-- Compares the figures of the owners of a day, added up, with the vendor's own
-- total of the day, where both are of the same owners: as many of every batch. A
-- figure that somebody's row does not tell is left out. People may count once for
-- the vendor who are in chats of two owners: there the sum is at least the total.
-- $1 source
-- Returns rule, day, sum, total for each difference; and one row with the rule ''
-- and, as its sum, the number of days compared. Scans the coverage and the figures
-- of the source.
with o as materialized (
    select c.subject, w.batch_no, c.covered
      from sync.coverage c
      join groupchat.owner w on w.source = c.source and w.owner_id = c.subject
     where c.source = $1 and c.stream = 'owner_stats'
),
have as materialized (
    select d.day, o.batch_no, count(*) as owners
      from groupchat.daily_stat d
      join o on o.covered @> d.day
     where d.source = $1
     group by d.day, o.batch_no
),
same as materialized (
    select d.*
      from groupchat.daily_stat d
     where d.source = $1
       and d.owners_covered = (select sum(h.owners) from have h where h.day = d.day)
       and not exists (select from groupchat.daily_stat_part p
                         left join have h on h.day = p.day and h.batch_no = p.batch_no
                        where p.source = $1 and p.day = d.day and coalesce(h.owners, 0) <> p.owners_covered)
),
sums as (
    select s.day, count(*) as told,
           sum(s.new_chat_cnt) as new_chat_cnt, count(s.new_chat_cnt) as n_new_chat_cnt,
           sum(s.chat_total) as chat_total, count(s.chat_total) as n_chat_total,
           sum(s.chat_has_msg) as chat_has_msg, count(s.chat_has_msg) as n_chat_has_msg,
           sum(s.new_member_cnt) as new_member_cnt, count(s.new_member_cnt) as n_new_member_cnt,
           sum(s.member_total) as member_total, count(s.member_total) as n_member_total,
           sum(s.member_has_msg) as member_has_msg, count(s.member_has_msg) as n_member_has_msg,
           sum(s.msg_total) as msg_total, count(s.msg_total) as n_msg_total,
           sum(s.migrate_trainee_chat_cnt) as migrate_trainee_chat_cnt, count(s.migrate_trainee_chat_cnt) as n_migrate_trainee_chat_cnt
      from groupchat.owner_stat s
      join o on o.subject = s.owner_id and o.covered @> s.day
     where s.source = $1
     group by s.day
)
select f.rule, d.day, coalesce(f.ours, 0)::bigint, f.theirs::bigint
  from same d
  left join sums s on s.day = d.day
 cross join lateral (values ('sum_new_chat_cnt', s.new_chat_cnt, d.new_chat_cnt, s.n_new_chat_cnt, false),
                             ('sum_chat_total', s.chat_total, d.chat_total, s.n_chat_total, false),
                             ('sum_chat_has_msg', s.chat_has_msg, d.chat_has_msg, s.n_chat_has_msg, false),
                             ('sum_new_member_cnt', s.new_member_cnt, d.new_member_cnt, s.n_new_member_cnt, false),
                             ('sum_member_total', s.member_total, d.member_total, s.n_member_total, true),
                             ('sum_member_has_msg', s.member_has_msg, d.member_has_msg, s.n_member_has_msg, true),
                             ('sum_msg_total', s.msg_total, d.msg_total, s.n_msg_total, false),
                             ('sum_migrate_trainee_chat_cnt', s.migrate_trainee_chat_cnt, d.migrate_trainee_chat_cnt, s.n_migrate_trainee_chat_cnt, false))
            as f (rule, ours, theirs, told, at_least)
 where f.theirs is not null and coalesce(f.told = s.told, true)
   and case when f.at_least then coalesce(f.ours, 0) < f.theirs else coalesce(f.ours, 0) <> f.theirs end
union all
select '', null, count(*), 0 from same
 order by 1, 2
