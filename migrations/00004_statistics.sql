-- +goose Up
-- The vendor's statistics: figures per owner and day, per day, and per owner and
-- period, and which days of them are held.

create table groupchat.owner_stat (
    source                    text        not null,
    owner_id                  text        not null,
    day                       date        not null,
    new_chat_cnt              bigint,
    chat_total                bigint,
    chat_has_msg              bigint,
    new_member_cnt            bigint,
    member_total              bigint,
    member_has_msg            bigint,
    msg_total                 bigint,
    migrate_trainee_chat_cnt  bigint,
    fetched_at                timestamptz not null,
    hash                      bigint      not null,
    extra                     jsonb,
    primary key (source, owner_id, day)
);
comment on table  groupchat.owner_stat is 'The vendor''s figures per owner and day (按群主聚合的客户群统计). A day that sync.coverage holds and that has no row here is one for which the vendor had nothing.';
comment on column groupchat.owner_stat.source is 'Configured name of the source.';
comment on column groupchat.owner_stat.owner_id is 'The vendor''s user id of the owner (群主ID).';
comment on column groupchat.owner_stat.day is 'Calendar day of the vendor (统计日期).';
comment on column groupchat.owner_stat.new_chat_cnt is 'Number of chats created that day (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners.';
comment on column groupchat.owner_stat.chat_total is 'Number of chats owned at the end of the day (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days.';
comment on column groupchat.owner_stat.chat_has_msg is 'Number of chats that have had a message, as of the day (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days.';
comment on column groupchat.owner_stat.new_member_cnt is 'Number of people who joined that day (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners.';
comment on column groupchat.owner_stat.member_total is 'Number of people in the chats at the end of the day (WeCom: member_total 截至当天客户群总人数). A stock: somebody in chats of two owners may count twice in a sum over owners.';
comment on column groupchat.owner_stat.member_has_msg is 'Number of people who have sent a message, as of the day (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice.';
comment on column groupchat.owner_stat.msg_total is 'Number of messages in the chats, as of the day (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days.';
comment on column groupchat.owner_stat.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out.';
comment on column groupchat.owner_stat.fetched_at is 'When these figures were first read; former ones are in owner_stat_history.';
comment on column groupchat.owner_stat.hash is 'Hash of the figures.';
comment on column groupchat.owner_stat.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.owner_stat_history (
    source                    text        not null,
    owner_id                  text        not null,
    day                       date        not null,
    known_from                timestamptz not null,
    new_chat_cnt              bigint,
    chat_total                bigint,
    chat_has_msg              bigint,
    new_member_cnt            bigint,
    member_total              bigint,
    member_has_msg            bigint,
    msg_total                 bigint,
    migrate_trainee_chat_cnt  bigint,
    known_until               timestamptz not null,
    extra                     jsonb,
    primary key (source, owner_id, day, known_from)
);
comment on table  groupchat.owner_stat_history is 'Figures that the vendor has corrected or withdrawn, as they were stored before.';
comment on column groupchat.owner_stat_history.source is 'Configured name of the source.';
comment on column groupchat.owner_stat_history.owner_id is 'The vendor''s user id of the owner (群主ID).';
comment on column groupchat.owner_stat_history.day is 'Calendar day of the vendor (统计日期).';
comment on column groupchat.owner_stat_history.known_from is 'When these figures were first read.';
comment on column groupchat.owner_stat_history.new_chat_cnt is 'Number of chats created that day, as told then (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners.';
comment on column groupchat.owner_stat_history.chat_total is 'Number of chats owned at the end of the day, as told then (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days.';
comment on column groupchat.owner_stat_history.chat_has_msg is 'Number of chats that have had a message, as of the day, as told then (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days.';
comment on column groupchat.owner_stat_history.new_member_cnt is 'Number of people who joined that day, as told then (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners.';
comment on column groupchat.owner_stat_history.member_total is 'Number of people in the chats at the end of the day, as told then (WeCom: member_total 截至当天客户群总人数). A stock: somebody in chats of two owners may count twice in a sum over owners.';
comment on column groupchat.owner_stat_history.member_has_msg is 'Number of people who have sent a message, as of the day, as told then (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice.';
comment on column groupchat.owner_stat_history.msg_total is 'Number of messages in the chats, as of the day, as told then (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days.';
comment on column groupchat.owner_stat_history.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only, as told then (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out.';
comment on column groupchat.owner_stat_history.known_until is 'When a read first told otherwise.';
comment on column groupchat.owner_stat_history.extra is 'Fields of the vendor that had no column, by their own names.';

create table groupchat.daily_stat_part (
    source                    text        not null,
    day                       date        not null,
    batch_no                  integer     not null,
    owners_covered            integer     not null,
    new_chat_cnt              bigint,
    chat_total                bigint,
    chat_has_msg              bigint,
    new_member_cnt            bigint,
    member_total              bigint,
    member_has_msg            bigint,
    msg_total                 bigint,
    migrate_trainee_chat_cnt  bigint,
    fetched_at                timestamptz not null,
    hash                      bigint      not null,
    extra                     jsonb,
    primary key (source, day, batch_no)
);
comment on table  groupchat.daily_stat_part is 'The vendor''s own total of a day over one batch of owners (按自然日聚合的客户群统计).';
comment on column groupchat.daily_stat_part.source is 'Configured name of the source.';
comment on column groupchat.daily_stat_part.day is 'Calendar day of the vendor (统计日期).';
comment on column groupchat.daily_stat_part.batch_no is 'The batch, as in groupchat.owner.';
comment on column groupchat.daily_stat_part.owners_covered is 'How many owners of the batch were asked for.';
comment on column groupchat.daily_stat_part.new_chat_cnt is 'Number of chats created that day, over the owners of the batch (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners.';
comment on column groupchat.daily_stat_part.chat_total is 'Number of chats owned at the end of the day, over the owners of the batch (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days.';
comment on column groupchat.daily_stat_part.chat_has_msg is 'Number of chats that have had a message, as of the day, over the owners of the batch (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days.';
comment on column groupchat.daily_stat_part.new_member_cnt is 'Number of people who joined that day, over the owners of the batch (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners.';
comment on column groupchat.daily_stat_part.member_total is 'Number of people in the chats at the end of the day, over the owners of the batch (WeCom: member_total 截至当天客户群总人数). A stock: somebody in chats of two owners may count twice in a sum over owners.';
comment on column groupchat.daily_stat_part.member_has_msg is 'Number of people who have sent a message, as of the day, over the owners of the batch (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice.';
comment on column groupchat.daily_stat_part.msg_total is 'Number of messages in the chats, as of the day, over the owners of the batch (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days.';
comment on column groupchat.daily_stat_part.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only, over the owners of the batch (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out.';
comment on column groupchat.daily_stat_part.fetched_at is 'When these figures were first read.';
comment on column groupchat.daily_stat_part.hash is 'Hash of the figures.';
comment on column groupchat.daily_stat_part.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.daily_stat (
    source                    text        not null,
    day                       date        not null,
    batches                   integer     not null,
    owners_covered            integer     not null,
    new_chat_cnt              bigint,
    chat_total                bigint,
    chat_has_msg              bigint,
    new_member_cnt            bigint,
    member_total              bigint,
    member_has_msg            bigint,
    msg_total                 bigint,
    migrate_trainee_chat_cnt  bigint,
    fetched_at                timestamptz not null,
    primary key (source, day)
);
comment on table  groupchat.daily_stat is 'The vendor''s own total of a day, once every batch of owners is in. With more than one batch each figure is a sum over batches: a person in chats of two batches counts twice in the member figures.';
comment on column groupchat.daily_stat.source is 'Configured name of the source.';
comment on column groupchat.daily_stat.day is 'Calendar day of the vendor (统计日期).';
comment on column groupchat.daily_stat.batches is 'How many batches the day is the sum of.';
comment on column groupchat.daily_stat.owners_covered is 'How many owners were asked for.';
comment on column groupchat.daily_stat.new_chat_cnt is 'Number of chats created that day (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners.';
comment on column groupchat.daily_stat.chat_total is 'Number of chats owned at the end of the day (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days.';
comment on column groupchat.daily_stat.chat_has_msg is 'Number of chats that have had a message, as of the day (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days.';
comment on column groupchat.daily_stat.new_member_cnt is 'Number of people who joined that day (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners.';
comment on column groupchat.daily_stat.member_total is 'Number of people in the chats at the end of the day (WeCom: member_total 截至当天客户群总人数). A stock: somebody in chats of two owners may count twice in a sum over owners.';
comment on column groupchat.daily_stat.member_has_msg is 'Number of people who have sent a message, as of the day (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice.';
comment on column groupchat.daily_stat.msg_total is 'Number of messages in the chats, as of the day (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days.';
comment on column groupchat.daily_stat.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out.';
comment on column groupchat.daily_stat.fetched_at is 'When these figures were put together.';

create table groupchat.owner_period_stat (
    source                    text        not null,
    owner_id                  text        not null,
    day_from                  date        not null,
    day_to                    date        not null,
    new_chat_cnt              bigint,
    chat_total                bigint,
    chat_has_msg              bigint,
    new_member_cnt            bigint,
    member_total              bigint,
    member_has_msg            bigint,
    msg_total                 bigint,
    migrate_trainee_chat_cnt  bigint,
    fetched_at                timestamptz not null,
    hash                      bigint      not null,
    extra                     jsonb,
    primary key (source, owner_id, day_from, day_to)
);
comment on table  groupchat.owner_period_stat is 'The vendor''s figures per owner over some days together, because figures such as people who spoke do not add up over days. How the vendor combines days is undocumented: new_* presumably add up, totals are as of the last day.';
comment on column groupchat.owner_period_stat.source is 'Configured name of the source.';
comment on column groupchat.owner_period_stat.owner_id is 'The vendor''s user id of the owner (群主ID).';
comment on column groupchat.owner_period_stat.day_from is 'First day of the period (起始日期).';
comment on column groupchat.owner_period_stat.day_to is 'Last day of the period (结束日期).';
comment on column groupchat.owner_period_stat.new_chat_cnt is 'Number of chats created in the period (WeCom: new_chat_cnt 新增客户群数量). A flow: adds up over days and owners.';
comment on column groupchat.owner_period_stat.chat_total is 'Number of chats owned at the end of the period (WeCom: chat_total 截至当天客户群总数量). A stock: adds up over owners, not over days.';
comment on column groupchat.owner_period_stat.chat_has_msg is 'Number of chats that have had a message, as of the end of the period (WeCom: chat_has_msg 截至当天有发过消息的客户群数量). A stock as the vendor words it: adds up over owners, not over days.';
comment on column groupchat.owner_period_stat.new_member_cnt is 'Number of people who joined in the period (WeCom: new_member_cnt 客户群新增群人数). A flow: adds up over days and owners.';
comment on column groupchat.owner_period_stat.member_total is 'Number of people in the chats at the end of the period (WeCom: member_total 截至当天客户群总人数). A stock: somebody in chats of two owners may count twice in a sum over owners.';
comment on column groupchat.owner_period_stat.member_has_msg is 'Number of people who have sent a message, as of the end of the period (WeCom: member_has_msg 截至当天有发过消息的群成员数). A stock as the vendor words it: does not add up over days; over owners somebody may count twice.';
comment on column groupchat.owner_period_stat.msg_total is 'Number of messages in the chats, as of the end of the period (WeCom: msg_total 截至当天客户群消息总数). A stock as the vendor words it (running total or count of the day is undocumented): adds up over owners, not over days.';
comment on column groupchat.owner_period_stat.migrate_trainee_chat_cnt is 'Number of migrated class groups, education corps only over the period (WeCom: migrate_trainee_chat_cnt 截至当天新增迁移群数). A stock as the vendor words it; NULL where the vendor leaves it out.';
comment on column groupchat.owner_period_stat.fetched_at is 'When these figures were first read.';
comment on column groupchat.owner_period_stat.hash is 'Hash of the figures.';
comment on column groupchat.owner_period_stat.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table sync.coverage (
    source        text           not null,
    stream        text           not null,
    subject       text           not null,
    covered       datemultirange not null default '{}',
    lost          datemultirange not null default '{}',
    refused       datemultirange not null default '{}',
    reread        datemultirange not null default '{}',
    reread_on     date,
    refused_code  text,
    retry_at      timestamptz,
    first_seen_on date           not null,
    primary key (source, stream, subject)
) with (fillfactor = 70);
comment on table  sync.coverage is 'Which days of a statistic are held, per subject: an owner, or a batch of owners.';
comment on column sync.coverage.source is 'Configured name of the source.';
comment on column sync.coverage.stream is 'Stream within the source.';
comment on column sync.coverage.subject is 'Owner id for owner_stats, batch number for daily_stats, batch number/days for owner_period_stats.';
comment on column sync.coverage.covered is 'Days that were read; one without a row of figures had none.';
comment on column sync.coverage.lost is 'Days that left the vendor''s window unread, after the subject was first seen.';
comment on column sync.coverage.refused is 'Days that the vendor refuses to tell.';
comment on column sync.coverage.reread is 'Days that were read on reread_on.';
comment on column sync.coverage.reread_on is 'Vendor''s day on which the days of reread were read.';
comment on column sync.coverage.refused_code is 'The vendor''s code of the latest refusal (errcode 错误码).';
comment on column sync.coverage.retry_at is 'When the refused days are asked for again.';
comment on column sync.coverage.first_seen_on is 'Vendor''s day on which the subject was first seen.';

-- +goose Down
drop table sync.coverage, groupchat.owner_period_stat, groupchat.daily_stat, groupchat.daily_stat_part,
    groupchat.owner_stat_history, groupchat.owner_stat;
