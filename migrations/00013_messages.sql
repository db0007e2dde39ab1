-- +goose Up
-- Mass messages, their senders and receivers, and ways to join chats.

create table groupchat.group_message (
    source        text        not null,
    msg_id        text        not null,
    chat_type     text        not null,
    creator_id    text,
    create_type   bigint,
    created_at    timestamptz,
    content       text,
    attachments   jsonb,
    first_seen_at timestamptz not null,
    listed_at     timestamptz not null,
    closed_at     timestamptz,
    close_reason  text,
    hash          bigint      not null,
    extra         jsonb,
    primary key (source, msg_id)
) with (fillfactor = 80);
create index group_message_open on groupchat.group_message (source, msg_id) where closed_at is null;
comment on table  groupchat.group_message is 'Mass messages to chats, and to customers where they are asked for (群发).';
comment on column groupchat.group_message.source is 'Configured name of the source.';
comment on column groupchat.group_message.msg_id is 'The vendor''s message id. WeCom: msgid 企业群发消息的id.';
comment on column groupchat.group_message.chat_type is 'Kind of receivers, as the list was asked for: group or single. WeCom: chat_type 群发任务的类型.';
comment on column groupchat.group_message.creator_id is 'Who made it; NULL where the vendor does not say, as for messages made through the API. WeCom: creator 群发消息创建者.';
comment on column groupchat.group_message.create_type is '0 made for the organisation, 1 by a person for his own receivers. WeCom: create_type 群发消息创建来源.';
comment on column groupchat.group_message.created_at is 'When it was made; NULL where that is not told or cannot be read. WeCom: create_time 创建时间.';
comment on column groupchat.group_message.content is 'Its text; NULL where it has attachments only. WeCom: text.content 消息文本内容.';
comment on column groupchat.group_message.attachments is 'What is attached, a JSON array; NULL where there is nothing. WeCom: attachments 附件.';
comment on column groupchat.group_message.first_seen_at is 'When the message was first read.';
comment on column groupchat.group_message.listed_at is 'When the stored values were first read. Freshness is in sync.pass.';
comment on column groupchat.group_message.closed_at is 'Since when its senders are not asked for any more; NULL while they are.';
comment on column groupchat.group_message.close_reason is 'Why not: every sender has sent it, it is old enough, or the vendor''s code (41093 cancelled).';
comment on column groupchat.group_message.hash is 'Hash of what the list told.';
comment on column groupchat.group_message.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.group_message_task (
    source        text        not null,
    msg_id        text        not null,
    user_id       text        not null,
    status        bigint,
    sent_at       timestamptz,
    is_sent       boolean     not null generated always as (sent_at is not null or coalesce(status, 0) <> 0) stored,
    first_seen_at timestamptz not null,
    fetched_at    timestamptz not null,
    results_at    timestamptz,
    closed_at     timestamptz,
    close_reason  text,
    hash          bigint      not null,
    extra         jsonb,
    primary key (source, msg_id, user_id)
) with (fillfactor = 80);
create index group_message_task_open on groupchat.group_message_task (source, msg_id, user_id) where closed_at is null;
comment on table  groupchat.group_message_task is 'Who is to send each mass message, and whether they have (群发成员发送任务).';
comment on column groupchat.group_message_task.source is 'Configured name of the source.';
comment on column groupchat.group_message_task.msg_id is 'The message.';
comment on column groupchat.group_message_task.user_id is 'Who is to send it. WeCom: userid 企业服务人员.';
comment on column groupchat.group_message_task.status is 'The vendor''s number: 0 not sent, 2 sent; its own sample has 1. WeCom: status 发送状态.';
comment on column groupchat.group_message_task.sent_at is 'When it was sent; NULL until then. WeCom: send_time 发送时间.';
comment on column groupchat.group_message_task.is_sent is 'Whether it was sent: there is a time, or a status other than 0.';
comment on column groupchat.group_message_task.first_seen_at is 'When the row was first read.';
comment on column groupchat.group_message_task.fetched_at is 'When the stored status was first read. Freshness is in sync.item.';
comment on column groupchat.group_message_task.results_at is 'When its receivers were first read; NULL until then.';
comment on column groupchat.group_message_task.closed_at is 'Since when its receivers are not asked for any more; NULL while they are.';
comment on column groupchat.group_message_task.close_reason is 'Why not: nothing is pending any more, it is old enough, the message is closed, or the vendor''s code.';
comment on column groupchat.group_message_task.hash is 'Hash of what the answer told.';
comment on column groupchat.group_message_task.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.group_message_result (
    source           text        not null,
    msg_id           text        not null,
    user_id          text        not null,
    chat_id          text        not null,
    external_user_id text        not null,
    status           bigint,
    sent_at          timestamptz,
    first_seen_at    timestamptz not null,
    fetched_at       timestamptz not null,
    hash             bigint      not null,
    extra            jsonb,
    primary key (source, msg_id, user_id, chat_id, external_user_id)
) with (fillfactor = 80);
create index group_message_result_chat on groupchat.group_message_result (source, chat_id) where chat_id <> '';
comment on table  groupchat.group_message_result is 'What has become of each mass message at each receiver of each sender (群发成员执行结果).';
comment on column groupchat.group_message_result.source is 'Configured name of the source.';
comment on column groupchat.group_message_result.msg_id is 'The message.';
comment on column groupchat.group_message_result.user_id is 'Its sender. WeCom: userid 企业服务人员.';
comment on column groupchat.group_message_result.chat_id is 'Chat that it is for; empty where it is for a customer. WeCom: chat_id 外部客户群id.';
comment on column groupchat.group_message_result.external_user_id is 'Customer that it is for; empty where it is for a chat. WeCom: external_userid 外部联系人.';
comment on column groupchat.group_message_result.status is 'The vendor''s number: 0 not sent, 1 sent, 2 failed: no friend any more, 3 failed: has got another mass message. WeCom: status 发送状态.';
comment on column groupchat.group_message_result.sent_at is 'When it arrived; NULL unless it did. WeCom: send_time 发送时间.';
comment on column groupchat.group_message_result.first_seen_at is 'When the row was first read.';
comment on column groupchat.group_message_result.fetched_at is 'When the stored status was first read.';
comment on column groupchat.group_message_result.hash is 'Hash of what the answer told.';
comment on column groupchat.group_message_result.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.join_way (
    source           text        not null,
    config_id        text        not null,
    scene            bigint,
    remark           text,
    auto_create_room bigint,
    room_base_name   text,
    room_base_id     bigint,
    chat_ids         text[],
    qr_code          text,
    state            text,
    first_seen_at    timestamptz,
    fetched_at       timestamptz,
    gone_at          timestamptz,
    gone_reason      text,
    hash             bigint,
    extra            jsonb,
    primary key (source, config_id)
);
create index join_way_state on groupchat.join_way (source, state) where state <> '';
comment on table  groupchat.join_way is 'Ways to join chats: QR codes and buttons (加入群聊).';
comment on column groupchat.join_way.source is 'Configured name of the source.';
comment on column groupchat.join_way.config_id is 'The vendor''s id. WeCom: config_id 联系方式的配置id.';
comment on column groupchat.join_way.scene is '1 button in a mini program, 2 QR code; the vendor''s sample has 3. WeCom: scene 场景.';
comment on column groupchat.join_way.remark is 'Remark. WeCom: remark 备注.';
comment on column groupchat.join_way.auto_create_room is '1: a new chat is made when the last one is full. WeCom: auto_create_room 是否自动新建群.';
comment on column groupchat.join_way.room_base_name is 'Beginning of the names of chats that are made so. WeCom: room_base_name 自动建群的群名前缀.';
comment on column groupchat.join_way.room_base_id is 'Number with which their names begin. WeCom: room_base_id 自动建群的群起始序号.';
comment on column groupchat.join_way.chat_ids is 'Chats that it leads to, in the vendor''s order. WeCom: chat_id_list 客户群列表.';
comment on column groupchat.join_way.qr_code is 'Address of the QR code. WeCom: qr_code 联系二维码的URL.';
comment on column groupchat.join_way.state is 'What members who joined this way have as their state. WeCom: state 自定义的渠道参数.';
comment on column groupchat.join_way.first_seen_at is 'When it was first read; NULL if it never could be.';
comment on column groupchat.join_way.fetched_at is 'When the stored values were first read; NULL if there are none. Freshness is in sync.item.';
comment on column groupchat.join_way.gone_at is 'When the vendor was found to have no such way for us; NULL while it can be read.';
comment on column groupchat.join_way.gone_reason is 'The vendor''s code for that (41044 there is none, or another app''s).';
comment on column groupchat.join_way.hash is 'Hash of what the answer told; NULL if there was none.';
comment on column groupchat.join_way.extra is 'Fields of the vendor that have no column yet, by their own names.';

create table groupchat.join_way_wanted (
    source    text        not null,
    config_id text        not null,
    note      text,
    added_at  timestamptz not null default now(),
    primary key (source, config_id),
    constraint join_way_wanted_source check (source <> ''),
    constraint join_way_wanted_config check (octet_length(config_id) between 1 and 64)
);
comment on table  groupchat.join_way_wanted is 'Join ways to be read beside those of the configuration, for the vendor has no list of them. Whoever makes one may add it: insert into groupchat.join_way_wanted (source, config_id, note) values (…) on conflict do nothing (待同步的加入群聊).';
comment on column groupchat.join_way_wanted.source is 'Configured name of the source.';
comment on column groupchat.join_way_wanted.config_id is 'The vendor''s id. WeCom: config_id 联系方式的配置id.';
comment on column groupchat.join_way_wanted.note is 'Whatever is worth remembering; syncd does not read it.';
comment on column groupchat.join_way_wanted.added_at is 'When the row was made.';

-- +goose Down
drop table groupchat.join_way_wanted, groupchat.join_way, groupchat.group_message_result,
    groupchat.group_message_task, groupchat.group_message;
