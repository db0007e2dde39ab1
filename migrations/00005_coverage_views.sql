-- +goose Up
-- Which days of the statistics are held, day by day, and the figures read through
-- that: a zero, a day not read yet, one refused and one lost are different things.

create table sync.stat_window (
    source     text    not null,
    stream     text    not null,
    days       integer not null,
    ready_hour integer not null,
    primary key (source, stream)
);
comment on table  sync.stat_window is 'Which days a stream of statistics wants, as its latest pass was configured.';
comment on column sync.stat_window.source is 'Configured name of the source.';
comment on column sync.stat_window.stream is 'Stream within the source.';
comment on column sync.stat_window.days is 'How many days before the vendor''s today are wanted: backfill_days, or what the vendor surely tells if that is less.';
comment on column sync.stat_window.ready_hour is 'Hour of the vendor''s day from which yesterday is told.';

alter table sync.finding add column cleared_at timestamptz;
comment on column sync.finding.cleared_at is 'When syncd verify first no longer found it; NULL while it stands, and for what verify does not look at.';
comment on column sync.finding.kind is 'What kind of thing: scope_changed, not_gone, mass_disappearance, owner_refused; or a rule of syncd verify: never_detailed, unknown_owner, pass_total, sum_ and a figure.';

-- The moment that the views speak of. syncd sets syncd.now to its own clock; so
-- can anybody who asks how things will stand tomorrow.
create function bi.clock() returns timestamptz
    language sql stable parallel safe
    return coalesce(nullif(current_setting('syncd.now', true), '')::timestamptz, now());
comment on function bi.clock() is 'The moment that the views about coverage speak of: now, or what the setting syncd.now says (set syncd.now = ''2026-11-20 09:00+08'').';

create view bi.sources as
select source, vendor, timezone, (bi.clock() at time zone timezone)::date as today, first_seen_at, enabled
  from sync.source;
comment on view   bi.sources is 'One row per configured source: its vendor, and which day it is there (数据源).';
comment on column bi.sources.source is 'Configured name of the source (数据源).';
comment on column bi.sources.vendor is 'Whose API it is: wecom (平台).';
comment on column bi.sources.timezone is 'The vendor''s zone, in which its days begin and end (时区).';
comment on column bi.sources.today is 'The vendor''s day of today, which it does not tell yet (今天).';
comment on column bi.sources.first_seen_at is 'When the source was first synced (首次同步时间).';
comment on column bi.sources.enabled is 'Whether it is to be synced (是否启用).';

create view sync.coverage_state as
select c.source, c.stream, c.subject, b.today, b.oldest, b.newest, c.first_seen_on, c.refused_code, c.retry_at,
       c.covered, l.lost, o.open * c.refused as refused,
       (o.open - c.refused) * datemultirange(daterange(b.oldest, b.oldest + 2)) as at_risk,
       o.open - c.refused - datemultirange(daterange(b.oldest, b.oldest + 2)) as pending
  from sync.coverage c
  join sync.source s on s.source = c.source
  join sync.stat_window w on w.source = c.source and w.stream = c.stream
 cross join lateral (select bi.clock() at time zone s.timezone as local) t
 cross join lateral (select t.local::date as today, t.local::date - w.days as oldest,
                            t.local::date - case when extract(hour from t.local) < w.ready_hour then 2 else 1 end
                                as newest) b
 cross join lateral (select (c.lost + datemultirange(daterange(c.first_seen_on - w.days,
                                                               greatest(b.oldest, c.first_seen_on - w.days))))
                            - c.covered as lost) l
 cross join lateral (select datemultirange(daterange(b.oldest, greatest(b.newest + 1, b.oldest)))
                            - c.covered - l.lost as open) o;
comment on view   sync.coverage_state is 'sync.coverage as of now: every day that is held, wanted or lost stands in exactly one of covered, pending, at_risk, refused, lost.';
comment on column sync.coverage_state.source is 'Configured name of the source.';
comment on column sync.coverage_state.stream is 'Stream within the source.';
comment on column sync.coverage_state.subject is 'Owner id, batch number, or batch number/days, as in sync.coverage.';
comment on column sync.coverage_state.today is 'The vendor''s day of today.';
comment on column sync.coverage_state.oldest is 'First day that is wanted; it leaves the window at the vendor''s next midnight.';
comment on column sync.coverage_state.newest is 'Last day that is wanted: yesterday, or before the ready hour the day before.';
comment on column sync.coverage_state.first_seen_on is 'Vendor''s day on which the subject was first seen.';
comment on column sync.coverage_state.refused_code is 'The vendor''s code of the latest refusal (errcode 错误码).';
comment on column sync.coverage_state.retry_at is 'When the refused days are asked for again.';
comment on column sync.coverage_state.covered is 'Days that were read; one without a row of figures had none.';
comment on column sync.coverage_state.lost is 'Days that left the window unread, those included that no pass has noted yet.';
comment on column sync.coverage_state.refused is 'Days wanted that the vendor refuses to tell.';
comment on column sync.coverage_state.at_risk is 'Days wanted that leave the window within 48 hours.';
comment on column sync.coverage_state.pending is 'The other days wanted.';

create view bi.coverage_day as
select r.source, r.stream, d.day::date as day,
       r.covered + r.pending + r.at_risk + r.refused + r.lost as subjects,
       coalesce(f.subjects, 0) as covered, r.covered - coalesce(f.subjects, 0) as empty,
       r.pending, r.at_risk, r.refused, r.lost,
       case when r.lost > 0 then 'lost' when r.refused > 0 then 'refused' when r.at_risk > 0 then 'at_risk'
            when r.pending > 0 then 'pending' when r.covered > coalesce(f.subjects, 0) then 'empty'
            else 'covered' end as state,
       (d.day::date + w.days + 1)::timestamp at time zone s.timezone as leaves_at
  from (select source, stream, day, lead(day) over e as next_day,
               sum(covered) over e as covered, sum(pending) over e as pending, sum(at_risk) over e as at_risk,
               sum(refused) over e as refused, sum(lost) over e as lost
          from (select c.source, c.stream, e.day,
                       coalesce(sum(e.n) filter (where k.state = 'covered'), 0)::bigint as covered,
                       coalesce(sum(e.n) filter (where k.state = 'pending'), 0)::bigint as pending,
                       coalesce(sum(e.n) filter (where k.state = 'at_risk'), 0)::bigint as at_risk,
                       coalesce(sum(e.n) filter (where k.state = 'refused'), 0)::bigint as refused,
                       coalesce(sum(e.n) filter (where k.state = 'lost'), 0)::bigint as lost
                  from sync.coverage_state c
                 cross join lateral (values ('covered', c.covered), ('pending', c.pending), ('at_risk', c.at_risk),
                                            ('refused', c.refused), ('lost', c.lost)) as k (state, days)
                 cross join lateral unnest(k.days) as r
                 cross join lateral (values (lower(r), 1), (upper(r), -1)) as e (day, n)
                 group by c.source, c.stream, e.day) steps
        window e as (partition by source, stream order by day)) r
 cross join lateral generate_series(r.day, r.next_day - 1, interval '1 day') as d (day)
  join sync.source s on s.source = r.source
  join sync.stat_window w on w.source = r.source and w.stream = r.stream
  left join (select o.source, 'owner_stats' as stream, o.day, count(*) as subjects
               from groupchat.owner_stat o
               join sync.coverage c on c.source = o.source and c.stream = 'owner_stats' and c.subject = o.owner_id
                                   and c.covered @> o.day
              group by o.source, o.day
             union all
             select c.source, 'daily_stats', p.day, count(*)
               from sync.coverage c
               join (select source, day, batch_no::text as subject from groupchat.daily_stat_part
                     union -- a batch that is younger than the total of a day does not ask for it again
                     select d.source, d.day, n.subject
                       from groupchat.daily_stat d
                       join sync.coverage n on n.source = d.source and n.stream = 'daily_stats') p
                 on p.source = c.source and p.subject = c.subject and c.covered @> p.day
              where c.stream = 'daily_stats'
              group by c.source, p.day
             union all
             select c.source, 'owner_period_stats', p.day_to, count(distinct c.subject)
               from groupchat.owner_period_stat p
               join groupchat.owner o on o.source = p.source and o.owner_id = p.owner_id
               join sync.coverage c on c.source = p.source and c.stream = 'owner_period_stats'
                                   and c.subject = o.batch_no || '/' || (p.day_to - p.day_from + 1)
                                   and c.covered @> p.day_to
              group by c.source, p.day_to) f
    on f.source = r.source and f.stream = r.stream and f.day = d.day::date
 where r.covered + r.pending + r.at_risk + r.refused + r.lost > 0;
comment on view   bi.coverage_day is 'One row per source, stream of statistics and day that is held, wanted or lost: how many subjects are in which state (统计数据覆盖情况). A subject is an owner, or a batch of owners.';
comment on column bi.coverage_day.source is 'Configured name of the source (数据源).';
comment on column bi.coverage_day.stream is 'Stream within the source: owner_stats, daily_stats, owner_period_stats (数据流).';
comment on column bi.coverage_day.day is 'Calendar day of the vendor; of a period its last (统计日期).';
comment on column bi.coverage_day.subjects is 'How many subjects the day counts: the sum of the six below (对象数).';
comment on column bi.coverage_day.covered is 'Of how many it was read and there are figures (已取得).';
comment on column bi.coverage_day.empty is 'Of how many it was read and the vendor had nothing (已取得但无数据).';
comment on column bi.coverage_day.pending is 'Of how many it is still to be read (待取得).';
comment on column bi.coverage_day.at_risk is 'The same, where it leaves the vendor''s window within 48 hours (即将过期).';
comment on column bi.coverage_day.refused is 'Of how many the vendor refuses to tell it (平台拒绝).';
comment on column bi.coverage_day.lost is 'Of how many it left the window unread, for ever (已丢失).';
comment on column bi.coverage_day.state is 'The worst among them, from good to bad: covered, empty, pending, at_risk, refused, lost (状态).';
comment on column bi.coverage_day.leaves_at is 'When the day leaves the window, or left it (过期时间).';

create view bi.owner_daily as
select c.source, c.subject as owner_id, o.name as owner_name, d.day::date as day,
       case when c.covered @> d.day::date then case when s.day is null then 'empty' else 'covered' end
            when c.lost @> d.day::date then 'lost' when c.refused @> d.day::date then 'refused'
            when c.at_risk @> d.day::date then 'at_risk' else 'pending' end as state,
       s.new_chat_cnt, s.chat_total, s.chat_has_msg, s.new_member_cnt, s.member_total,
       s.member_has_msg, s.msg_total, s.migrate_trainee_chat_cnt,
       s.fetched_at, case when not c.covered @> d.day::date and c.refused @> d.day::date then c.refused_code end as refused_code
  from sync.coverage_state c
 cross join lateral unnest(c.covered + c.lost + c.refused + c.at_risk + c.pending) as r
 cross join lateral generate_series(lower(r), upper(r) - 1, interval '1 day') as d (day)
  left join groupchat.owner_stat s on s.source = c.source and s.owner_id = c.subject and s.day = d.day::date
  left join groupchat.owner o on o.source = c.source and o.owner_id = c.subject
 where c.stream = 'owner_stats'
union all
select s.source, s.owner_id, o.name, s.day, 'covered',
       s.new_chat_cnt, s.chat_total, s.chat_has_msg, s.new_member_cnt, s.member_total,
       s.member_has_msg, s.msg_total, s.migrate_trainee_chat_cnt,
       s.fetched_at, null
  from groupchat.owner_stat s
  left join groupchat.owner o on o.source = s.source and o.owner_id = s.owner_id
 where not exists (select from sync.coverage_state c
                    where c.source = s.source and c.stream = 'owner_stats' and c.subject = s.owner_id
                      and (c.covered @> s.day or (c.lost + c.refused + c.at_risk + c.pending) @> s.day));
comment on view   bi.owner_daily is 'One row per owner and day of the window, and per day held before it: the vendor''s figures, or NULL, and the state that says what NULL means (群主每日统计).';
comment on column bi.owner_daily.source is 'Configured name of the source (数据源).';
comment on column bi.owner_daily.owner_id is 'The vendor''s user id of the owner (群主ID).';
comment on column bi.owner_daily.owner_name is 'Name of the owner; NULL where it is not known (群主姓名).';
comment on column bi.owner_daily.day is 'Calendar day of the vendor (统计日期).';
comment on column bi.owner_daily.state is 'What is known of the day (状态): covered 已取得, empty 已取得但无数据, pending 待取得, at_risk 即将过期 (leaves the window within 48 h), refused 平台拒绝, lost 已丢失.';
comment on column bi.owner_daily.new_chat_cnt is 'Number of chats created that day (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners; NULL unless the state is covered.';
comment on column bi.owner_daily.chat_total is 'Number of chats owned at the end of the day (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days; NULL unless the state is covered.';
comment on column bi.owner_daily.chat_has_msg is 'Number of chats that have had a message, as of the day (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days; NULL unless the state is covered.';
comment on column bi.owner_daily.new_member_cnt is 'Number of people who joined that day (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners; NULL unless the state is covered.';
comment on column bi.owner_daily.member_total is 'Number of people in the chats at the end of the day (WeCom: member_total 截至当天客户群总人数). A stock: does not add up over days; over owners somebody may count twice; NULL unless the state is covered.';
comment on column bi.owner_daily.member_has_msg is 'Number of people who have sent a message, as of the day (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice; NULL unless the state is covered.';
comment on column bi.owner_daily.msg_total is 'Number of messages in the chats, as of the day (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days; NULL unless the state is covered.';
comment on column bi.owner_daily.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out; NULL unless the state is covered.';
comment on column bi.owner_daily.fetched_at is 'When these figures were first read (首次取得时间).';
comment on column bi.owner_daily.refused_code is 'The vendor''s code, where the state is refused (错误码).';

create view bi.daily_totals as
select k.source, k.day, coalesce(c.state, 'covered') as state, d.batches, d.owners_covered,
       d.new_chat_cnt, d.chat_total, d.chat_has_msg, d.new_member_cnt, d.member_total,
       d.member_has_msg, d.msg_total, d.migrate_trainee_chat_cnt, d.fetched_at
  from (select source, day from bi.coverage_day where stream = 'daily_stats'
        union
        select source, day from groupchat.daily_stat) k
  left join bi.coverage_day c on c.source = k.source and c.stream = 'daily_stats' and c.day = k.day
  left join groupchat.daily_stat d on d.source = k.source and d.day = k.day;
comment on view   bi.daily_totals is 'One row per source and day: the vendor''s own totals over all owners, or NULL, and the state that says what NULL means (每日汇总). With more than one batch of owners somebody in chats of two batches counts twice in the member figures.';
comment on column bi.daily_totals.source is 'Configured name of the source (数据源).';
comment on column bi.daily_totals.day is 'Calendar day of the vendor (统计日期).';
comment on column bi.daily_totals.state is 'What is known of the day (状态): covered 已取得, empty 已取得但无数据, pending 待取得, at_risk 即将过期 (leaves the window within 48 h), refused 平台拒绝, lost 已丢失. The worst of the batches.';
comment on column bi.daily_totals.batches is 'How many batches of owners the day is the sum of; with 1 the member figures are exact (批次数).';
comment on column bi.daily_totals.owners_covered is 'How many owners were asked for (群主数).';
comment on column bi.daily_totals.new_chat_cnt is 'Number of chats created that day (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners; NULL until every batch is in.';
comment on column bi.daily_totals.chat_total is 'Number of chats owned at the end of the day (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days; NULL until every batch is in.';
comment on column bi.daily_totals.chat_has_msg is 'Number of chats that have had a message, as of the day (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days; NULL until every batch is in.';
comment on column bi.daily_totals.new_member_cnt is 'Number of people who joined that day (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners; NULL until every batch is in.';
comment on column bi.daily_totals.member_total is 'Number of people in the chats at the end of the day (WeCom: member_total 截至当天客户群总人数). A stock: does not add up over days; over owners somebody may count twice; NULL until every batch is in.';
comment on column bi.daily_totals.member_has_msg is 'Number of people who have sent a message, as of the day (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice; NULL until every batch is in.';
comment on column bi.daily_totals.msg_total is 'Number of messages in the chats, as of the day (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days; NULL until every batch is in.';
comment on column bi.daily_totals.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out; NULL until every batch is in.';
comment on column bi.daily_totals.fetched_at is 'When these figures were put together (汇总时间).';

-- +goose StatementBegin
create function bi.owner_stat_as_of(at timestamptz)
    returns table (source text, owner_id text, day date, new_chat_cnt bigint, chat_total bigint, chat_has_msg bigint,
                   new_member_cnt bigint, member_total bigint, member_has_msg bigint, msg_total bigint,
                   migrate_trainee_chat_cnt bigint, extra jsonb, known_from timestamptz)
    language sql stable parallel safe
begin atomic
    select s.source, s.owner_id, s.day, s.new_chat_cnt, s.chat_total, s.chat_has_msg, s.new_member_cnt, s.member_total,
           s.member_has_msg, s.msg_total, s.migrate_trainee_chat_cnt, s.extra, s.fetched_at
      from groupchat.owner_stat s
     where s.fetched_at <= $1
    union all
    select h.source, h.owner_id, h.day, h.new_chat_cnt, h.chat_total, h.chat_has_msg, h.new_member_cnt, h.member_total,
           h.member_has_msg, h.msg_total, h.migrate_trainee_chat_cnt, h.extra, h.known_from
      from groupchat.owner_stat_history h
     where h.known_from <= $1 and h.known_until > $1;
end;
-- +goose StatementEnd
comment on function bi.owner_stat_as_of(timestamptz) is 'groupchat.owner_stat as it stood at that moment: figures corrected since as they were before, withdrawn ones too, later ones not (历史口径的群主统计).';

-- +goose StatementBegin
create function bi.owner_stat_as_of("on" date)
    returns table (source text, owner_id text, day date, new_chat_cnt bigint, chat_total bigint, chat_has_msg bigint,
                   new_member_cnt bigint, member_total bigint, member_has_msg bigint, msg_total bigint,
                   migrate_trainee_chat_cnt bigint, extra jsonb, known_from timestamptz)
    language sql stable parallel safe
begin atomic
    select a.*
      from bi.sources z
     cross join lateral (select ($1 + 1)::timestamp at time zone z.timezone - interval '1 microsecond' as at) t
     cross join lateral bi.owner_stat_as_of(t.at) a
     where a.source = z.source;
end;
-- +goose StatementEnd
comment on function bi.owner_stat_as_of(date) is 'groupchat.owner_stat as it stood at the end of that day of the vendor.';

-- +goose Down
drop function bi.owner_stat_as_of(date), bi.owner_stat_as_of(timestamptz);
drop view bi.daily_totals, bi.owner_daily, bi.coverage_day, sync.coverage_state, bi.sources;
drop function bi.clock();
alter table sync.finding drop column cleared_at;
drop table sync.stat_window;
