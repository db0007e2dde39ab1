-- +goose Up
-- What DingTalk and the SCRM tell beside chats: tasks, calendars and tags of chats,
-- group sets, and who has read the messages of robots.

create table groupchat.sop_task (
    source        text        not null,
    task_id       text        not null,
    sop_info_id   text,
    chat_id       text        not null,
    title         text,
    send_status   bigint,
    mode          bigint,
    creator_id    text,
    owner_id      text,
    owner_name    text,
    starts_at     timestamptz,
    first_seen_at timestamptz not null,
    listed_at     timestamptz not null,
    gone_at       timestamptz,
    gone_reason   text,
    list_hash     bigint      not null,
    list_scope    bigint      not null,
    extra         jsonb,
    primary key (source, task_id)
) with (fillfactor = 80);
create index sop_task_chat on groupchat.sop_task (source, chat_id);
comment on table  groupchat.sop_task is 'SOP tasks of chats: what is to be sent there, and when (群SOP任务).';
comment on column groupchat.sop_task.source is 'Configured name of the source.';
comment on column groupchat.sop_task.task_id is 'The vendor''s task id. SCRM: tasks.id 任务ID.';
comment on column groupchat.sop_task.sop_info_id is 'The SOP that the task belongs to. SCRM: sopInfoId.';
comment on column groupchat.sop_task.chat_id is 'The chat that the task is for. SCRM: chatId 群ID.';
comment on column groupchat.sop_task.title is 'Title. SCRM: title 标题.';
comment on column groupchat.sop_task.send_status is 'The vendor''s number, whose meaning it does not document; 1 is what tasks of the past have. SCRM: sendStatus 发送状态.';
comment on column groupchat.sop_task.mode is 'The vendor''s number, whose meaning it does not document. SCRM: mode.';
comment on column groupchat.sop_task.creator_id is 'Who made it. SCRM: creatorId 创建人.';
comment on column groupchat.sop_task.owner_id is 'Owner as the task itself tells it; mostly NULL, see the chat. SCRM: ownerId 群主ID.';
comment on column groupchat.sop_task.owner_name is 'Name of the owner as the task itself tells it; mostly NULL. SCRM: ownerName 群主.';
comment on column groupchat.sop_task.starts_at is 'When it is to be sent, to the minute. SCRM: startTime 开始时间, meant in UTC+8.';
comment on column groupchat.sop_task.first_seen_at is 'When the task was first read.';
comment on column groupchat.sop_task.listed_at is 'When the stored values were first read. Freshness is in sync.pass.';
comment on column groupchat.sop_task.gone_at is 'When two complete passes had missed the task; NULL while it is listed.';
comment on column groupchat.sop_task.gone_reason is 'How that was found.';
comment on column groupchat.sop_task.list_hash is 'Hash of what the list told.';
comment on column groupchat.sop_task.list_scope is 'Hash of the filters under which the task was last listed; only a pass with the same can miss it.';
comment on column groupchat.sop_task.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.chat_calendar (
    source        text        not null,
    chat_id       text        not null,
    ordinal       integer     not null,
    raw           json        not null,
    first_seen_at timestamptz not null,
    listed_at     timestamptz not null,
    gone_at       timestamptz,
    hash          bigint      not null,
    primary key (source, chat_id, ordinal)
);
comment on table  groupchat.chat_calendar is 'SOP calendars of chats, whose shape the vendor does not document, as they came (群SOP日历).';
comment on column groupchat.chat_calendar.source is 'Configured name of the source.';
comment on column groupchat.chat_calendar.chat_id is 'The vendor''s chat id.';
comment on column groupchat.chat_calendar.ordinal is 'Place in the vendor''s list, from 1. SCRM: calendars 日历.';
comment on column groupchat.chat_calendar.raw is 'The element as it came.';
comment on column groupchat.chat_calendar.first_seen_at is 'When the place was first read.';
comment on column groupchat.chat_calendar.listed_at is 'When the stored element was first read there.';
comment on column groupchat.chat_calendar.gone_at is 'When the list was read to be shorter than that; NULL while the element is in it.';
comment on column groupchat.chat_calendar.hash is 'Hash of the element.';

create table groupchat.chat_tag (
    source        text        not null,
    chat_id       text        not null,
    tag_name      text        not null,
    first_seen_at timestamptz not null,
    listed_at     timestamptz not null,
    gone_at       timestamptz,
    primary key (source, chat_id, tag_name)
);
comment on table  groupchat.chat_tag is 'Tags of chats; those without gone_at are there now (群标签).';
comment on column groupchat.chat_tag.source is 'Configured name of the source.';
comment on column groupchat.chat_tag.chat_id is 'The vendor''s chat id.';
comment on column groupchat.chat_tag.tag_name is 'Name of the tag. SCRM: tagGroupNames 群标签名称.';
comment on column groupchat.chat_tag.first_seen_at is 'When the chat was first read to have the tag.';
comment on column groupchat.chat_tag.listed_at is 'When it was first read to have it without a break since.';
comment on column groupchat.chat_tag.gone_at is 'When it was first read not to have it any more; NULL while it does.';

create table groupchat.group_set (
    source        text        not null,
    group_set_id  text        not null,
    name          text,
    relation_type text,
    owner_id      text,
    member_quota  bigint,
    member_count  bigint,
    chat_count    bigint,
    notice        text,
    created_at    timestamptz,
    changed_at    timestamptz,
    first_seen_at timestamptz not null,
    listed_at     timestamptz not null,
    gone_at       timestamptz,
    gone_reason   text,
    list_hash     bigint      not null,
    list_scope    bigint      not null,
    extra         jsonb,
    primary key (source, group_set_id)
) with (fillfactor = 80);
comment on table  groupchat.group_set is 'Sets of chats that are made from one template (群组).';
comment on column groupchat.group_set.source is 'Configured name of the source.';
comment on column groupchat.group_set.group_set_id is 'The vendor''s id. DingTalk: openGroupSetId 群组ID.';
comment on column groupchat.group_set.name is 'Name. DingTalk: name 群组名称.';
comment on column groupchat.group_set.relation_type is 'DingTalk: relationType 关系类型.';
comment on column groupchat.group_set.owner_id is 'User id of the owner. DingTalk: ownerUserId 群主.';
comment on column groupchat.group_set.member_quota is 'Most members that one chat of the set may have. DingTalk: memberQuota 单群人数上限.';
comment on column groupchat.group_set.member_count is 'People in all chats of the set. DingTalk: memberCount 群组总人数.';
comment on column groupchat.group_set.chat_count is 'Chats of the set, dissolved ones not counted. DingTalk: groupChatCount 群数量.';
comment on column groupchat.group_set.notice is 'Announcement. DingTalk: notice 群公告.';
comment on column groupchat.group_set.created_at is 'When the set was created. DingTalk: gmtCreate 创建时间.';
comment on column groupchat.group_set.changed_at is 'When it was last changed. DingTalk: gmtModified 修改时间.';
comment on column groupchat.group_set.first_seen_at is 'When the set was first read.';
comment on column groupchat.group_set.listed_at is 'When the stored values were first read. Freshness is in sync.pass.';
comment on column groupchat.group_set.gone_at is 'When two complete passes had missed the set; NULL while it is listed.';
comment on column groupchat.group_set.gone_reason is 'How that was found.';
comment on column groupchat.group_set.list_hash is 'Hash of what the list told.';
comment on column groupchat.group_set.list_scope is 'Hash of the filters under which the set was last listed; only a pass with the same can miss it.';
comment on column groupchat.group_set.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.robot_message (
    source               text        not null,
    process_query_key    text        not null,
    open_conversation_id text        not null,
    robot_code           text        not null,
    sent_at              timestamptz not null default now(),
    send_status          text,
    checked_at           timestamptz,
    closed_at            timestamptz,
    close_reason         text,
    primary key (source, process_query_key),
    constraint robot_message_source check (source <> ''),
    constraint robot_message_key check (octet_length(process_query_key) between 1 and 1000),
    constraint robot_message_chat check (open_conversation_id <> ''),
    constraint robot_message_robot check (robot_code <> ''),
    constraint robot_message_sent check (isfinite(sent_at))
);
create index robot_message_open on groupchat.robot_message (source, sent_at) where closed_at is null;
comment on table  groupchat.robot_message is 'Messages that robots sent to chats and whose readers are followed. syncd track adds rows, and so may whoever sends: insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code) values (…) on conflict do nothing (机器人群消息).';
comment on column groupchat.robot_message.source is 'Configured name of the source.';
comment on column groupchat.robot_message.process_query_key is 'Id that the vendor gave when it was sent. DingTalk: processQueryKey 消息ID.';
comment on column groupchat.robot_message.open_conversation_id is 'Chat that it was sent to. DingTalk: openConversationId 群ID.';
comment on column groupchat.robot_message.robot_code is 'Robot that sent it. DingTalk: robotCode 机器人编码.';
comment on column groupchat.robot_message.sent_at is 'When it was sent; when the row was made, where nobody says.';
comment on column groupchat.robot_message.send_status is 'The vendor''s word, such as SUCCESS, RECALLED, PROCESSING; NULL until it was read. DingTalk: sendStatus 发送状态.';
comment on column groupchat.robot_message.checked_at is 'When the stored send_status was first read; NULL until then. Freshness is in sync.item.';
comment on column groupchat.robot_message.closed_at is 'Since when its readers are not asked for any more; NULL while they are.';
comment on column groupchat.robot_message.close_reason is 'Why not: it is old enough, or the vendor''s code.';

create table groupchat.robot_message_read (
    source            text        not null,
    process_query_key text        not null,
    user_id           text        not null,
    first_seen_at     timestamptz not null,
    primary key (source, process_query_key, user_id)
);
comment on table  groupchat.robot_message_read is 'Who has read the messages of robots (机器人群消息已读人员).';
comment on column groupchat.robot_message_read.source is 'Configured name of the source.';
comment on column groupchat.robot_message_read.process_query_key is 'Id of the message. DingTalk: processQueryKey 消息ID.';
comment on column groupchat.robot_message_read.user_id is 'Who has read it. DingTalk: readUserIds 已读人员.';
comment on column groupchat.robot_message_read.first_seen_at is 'When we first asked and the person had read it: not earlier than the reading itself, which the vendor does not tell.';

comment on column groupchat.owner.department_name is 'Department, where the vendor tells it (部门). SCRM: departmentName 部门名称, as it stands beside a chat.';

-- +goose Down
comment on column groupchat.owner.department_name is 'Department, where the vendor tells it (部门).';
drop table groupchat.robot_message_read, groupchat.robot_message, groupchat.group_set, groupchat.chat_tag,
    groupchat.chat_calendar, groupchat.sop_task;
