-- +goose Up
-- The core: sources and their state, and the facts of group chats, members and
-- owners. Comments give the English meaning first, then the vendor's field and
-- its Chinese term.

create schema if not exists sync;
create schema if not exists groupchat;

comment on schema sync is 'State of the synchronisation: sources, passes, checkpoints. No facts.';
comment on schema groupchat is 'Facts as the vendors tell them. Nothing is ever deleted; what vanished is marked.';

comment on table  sync.schema_version is 'Migrations that have run; kept by goose.';
comment on column sync.schema_version.id is 'Row number.';
comment on column sync.schema_version.version_id is 'Number of the migration file.';
comment on column sync.schema_version.is_applied is 'True for up.';
comment on column sync.schema_version.tstamp is 'When it ran, in the time zone of the server.';

create table sync.source (
    source        text        not null primary key,
    vendor        text        not null,
    account       text        not null,
    timezone      text        not null,
    first_seen_at timestamptz not null,
    enabled       boolean     not null default true
);
comment on table  sync.source is 'One row per configured source: a vendor API with one customer''s credential.';
comment on column sync.source.source is 'Configured name, first in every key.';
comment on column sync.source.vendor is 'wecom, dingtalk or scrm.';
comment on column sync.source.account is 'The vendor''s own name of the account, not secret (WeCom: corpid 企业ID). A source name never changes its account.';
comment on column sync.source.timezone is 'Time zone of the vendor''s calendar days.';
comment on column sync.source.first_seen_at is 'When this source was first synced.';
comment on column sync.source.enabled is 'False when the source has left the configuration.';

create table sync.lease (
    source     text        not null,
    stream     text        not null,
    holder     text        not null,
    fence      bigint      not null,
    taken_at   timestamptz not null,
    expires_at timestamptz not null,
    primary key (source, stream)
);
comment on table  sync.lease is 'Who may commit to a stream. Every commit checks the fence.';
comment on column sync.lease.source is 'Configured name of the source.';
comment on column sync.lease.stream is 'Stream within the source.';
comment on column sync.lease.holder is 'Host, process and a random part of who holds, or last held, the lease.';
comment on column sync.lease.fence is 'Grows each time the lease changes hands; a commit with an older one is refused.';
comment on column sync.lease.taken_at is 'When the holder took it.';
comment on column sync.lease.expires_at is 'From then on anybody may take it. -infinity: given back.';

-- The application_name of a transaction that holds a lease: short enough never
-- to be cut.
-- +goose StatementBegin
create function sync.commit_name(source text, stream text, fence bigint) returns text
    language sql immutable
    return 'syncd commit ' || left(md5(source || '/' || stream), 16) || ' ' || fence;
-- +goose StatementEnd
comment on function sync.commit_name is 'Name in pg_stat_activity of a transaction that holds the lease of a stream.';

create table sync.pass (
    pass_id      bigint      generated always as identity primary key,
    source       text        not null,
    stream       text        not null,
    trigger      text        not null,
    scope        bigint      not null,
    full_read    boolean     not null default false,
    started_at   timestamptz not null,
    finished_at  timestamptz,
    outcome      text        not null,
    verdict      text,
    resume_at    timestamptz,
    pages        bigint      not null default 0,
    rows_read    bigint      not null default 0,
    rows_changed bigint      not null default 0,
    calls        bigint      not null default 0,
    retries      bigint      not null default 0,
    restarts     bigint      not null default 0,
    ids_distinct bigint      not null default 0,
    ids_repeated bigint      not null default 0,
    rejects      bigint      not null default 0,
    rejects_blind bigint     not null default 0,
    items_failed bigint      not null default 0,
    items_refused bigint     not null default 0,
    total_first  bigint,
    total_last   bigint,
    candidates   bigint      not null default 0,
    error        text,
    constraint pass_outcome check (outcome in ('running', 'complete', 'partial', 'failed', 'abandoned')),
    constraint pass_verdict check (verdict in ('complete', 'drifted', 'unproven'))
);
create unique index pass_open on sync.pass (source, stream) where finished_at is null;
create index pass_latest on sync.pass (source, stream, pass_id desc);
comment on table  sync.pass is 'One run over one stream. The row without finished_at is the open pass of its stream; counters are those of committed pages.';
comment on column sync.pass.pass_id is 'Identity of the pass, growing.';
comment on column sync.pass.source is 'Configured name of the source.';
comment on column sync.pass.stream is 'Stream within the source.';
comment on column sync.pass.trigger is 'What started it: command or schedule.';
comment on column sync.pass.scope is 'Hash of the filters that decide what the pass can see. Only passes of equal scope are comparable.';
comment on column sync.pass.full_read is 'True when freshness and content hashes were ignored (sync --full).';
comment on column sync.pass.started_at is 'When it began; the upper bound of what was due in a detail stream.';
comment on column sync.pass.finished_at is 'When its last chain closed; NULL while it is open and can be resumed.';
comment on column sync.pass.outcome is 'running, complete, partial (not all could be read; open while finished_at is NULL, and resumes), failed, abandoned (superseded by another pass).';
comment on column sync.pass.verdict is 'Certificate of a list pass: complete, drifted (rows moved under it) or unproven; NULL for a detail stream.';
comment on column sync.pass.resume_at is 'For partial: the earliest instant at which going on makes sense; NULL for at once.';
comment on column sync.pass.pages is 'Pages committed.';
comment on column sync.pass.rows_read is 'Records in those pages.';
comment on column sync.pass.rows_changed is 'Rows of schema groupchat that were inserted or changed.';
comment on column sync.pass.calls is 'Requests that the committed pages took, repeats included.';
comment on column sync.pass.retries is 'Requests among them that were repeats.';
comment on column sync.pass.restarts is 'How often a chain had to start again from its head.';
comment on column sync.pass.ids_distinct is 'Different ids seen by a list pass.';
comment on column sync.pass.ids_repeated is 'Ids that were seen again within the pass.';
comment on column sync.pass.rejects is 'Elements set aside in sync.reject.';
comment on column sync.pass.rejects_blind is 'Those among them without a readable id.';
comment on column sync.pass.items_failed is 'Items of a detail stream that could not be read and are due again soon.';
comment on column sync.pass.items_refused is 'Items of a detail stream that are gone or out of sight, as the vendor says.';
comment on column sync.pass.total_first is 'Number of records as the vendor gave it on the first page; NULL where it gives none.';
comment on column sync.pass.total_last is 'The same on the latest page.';
comment on column sync.pass.candidates is 'Records that a complete pass missed.';
comment on column sync.pass.error is 'Why it is partial or failed, without any secret.';

create table sync.checkpoint (
    source     text        not null,
    stream     text        not null,
    subject    text        not null,
    params     jsonb       not null,
    params_raw text        not null,
    cursor     text        not null default '',
    watermark  timestamptz,
    version    bigint      not null default 0,
    pass_id    bigint      not null,
    pages      bigint      not null default 0,
    restarts   bigint      not null default 0,
    updated_at timestamptz not null,
    primary key (source, stream, subject)
) with (fillfactor = 50);
comment on table  sync.checkpoint is 'One row per open chain: where to go on after a stop.';
comment on column sync.checkpoint.source is 'Configured name of the source.';
comment on column sync.checkpoint.stream is 'Stream within the source.';
comment on column sync.checkpoint.subject is 'What the chain reads: a filter, an owner batch.';
comment on column sync.checkpoint.params is 'Frozen request params, to look at.';
comment on column sync.checkpoint.params_raw is 'The same byte for byte; the cursor is valid only with these bytes.';
comment on column sync.checkpoint.cursor is 'The vendor''s token of the next page (next_cursor 分页游标), byte for byte; empty at the head.';
comment on column sync.checkpoint.watermark is 'Instant up to which everything is held, where the vendor has an ordered field.';
comment on column sync.checkpoint.version is 'Grows with every commit.';
comment on column sync.checkpoint.pass_id is 'The open pass of this chain.';
comment on column sync.checkpoint.pages is 'Pages committed since the head.';
comment on column sync.checkpoint.restarts is 'How often the chain started over within its pass.';
comment on column sync.checkpoint.updated_at is 'When the cursor was born.';

create table sync.item (
    source          text        not null,
    stream          text        not null,
    subject         text        not null,
    fetched_at      timestamptz,
    due_at          timestamptz not null,
    failed_at       timestamptz,
    failures        integer     not null default 0,
    last_error_code text,
    doubt_hash      bigint,
    doubts          integer     not null default 0,
    primary key (source, stream, subject)
) with (fillfactor = 50);
comment on table  sync.item is 'One row per record that a detail stream reads one by one, with when it is due.';
comment on column sync.item.source is 'Configured name of the source.';
comment on column sync.item.stream is 'Stream within the source.';
comment on column sync.item.subject is 'Id of the record.';
comment on column sync.item.fetched_at is 'When the last successful read was requested; NULL if never.';
comment on column sync.item.due_at is 'When it wants to be read again.';
comment on column sync.item.failed_at is 'When the last failed read ended; NULL after a good one.';
comment on column sync.item.failures is 'Failed reads since the last good one.';
comment on column sync.item.last_error_code is 'The vendor''s code of the last failure (errcode 错误码); NULL after a good read.';
comment on column sync.item.doubt_hash is 'Hash of an answer that was held back as doubtful; a second equal one is believed.';
comment on column sync.item.doubts is 'Doubtful answers since the last one that was believed.';

create unlogged table sync.page (
    pass_id bigint not null,
    id      text   not null,
    primary key (pass_id, id)
);
comment on table  sync.page is 'Ids seen by an open list pass. UNLOGGED: empty after a crash of PostgreSQL, and the pass then starts over.';
comment on column sync.page.pass_id is 'The open pass.';
comment on column sync.page.id is 'Id of a record that the pass has seen.';

create table sync.reject (
    source        text        not null,
    stream        text        not null,
    kind          text        not null,
    parent        text        not null,
    id            text        not null,
    raw_hash      bigint      not null,
    raw           text        not null,
    reason        text        not null,
    pass_id       bigint      not null,
    times         bigint      not null default 1,
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null,
    primary key (source, stream, kind, parent, id, raw_hash)
);
comment on table  sync.reject is 'Elements of vendor answers that could not be read. The rest of their page went through.';
comment on column sync.reject.source is 'Configured name of the source.';
comment on column sync.reject.stream is 'Stream within the source.';
comment on column sync.reject.kind is 'What it should have been: chat, member, owner.';
comment on column sync.reject.parent is 'Id of the record it stood in; empty if none.';
comment on column sync.reject.id is 'Its own id; empty where not even that could be read.';
comment on column sync.reject.raw_hash is 'Hash of raw, to know the same element again.';
comment on column sync.reject.raw is 'The element as it came; bytes that PostgreSQL cannot hold are replaced by U+FFFD.';
comment on column sync.reject.reason is 'What is wrong with it.';
comment on column sync.reject.pass_id is 'The pass that saw it last.';
comment on column sync.reject.times is 'How often it was seen.';
comment on column sync.reject.first_seen_at is 'When it was first seen.';
comment on column sync.reject.last_seen_at is 'When it was last seen.';

create table groupchat.owner (
    source          text        not null,
    owner_id        text        not null,
    name            text,
    department_name text,
    batch_no        integer     not null,
    first_seen_at   timestamptz not null,
    gone_at         timestamptz,
    primary key (source, owner_id)
);
comment on table  groupchat.owner is 'People who own, or may own, chats: the follow-user list, and every owner a chat was seen with (群主).';
comment on column groupchat.owner.source is 'Configured name of the source.';
comment on column groupchat.owner.owner_id is 'The vendor''s user id. WeCom: userid 成员UserID.';
comment on column groupchat.owner.name is 'Name, learnt from the member lists of chats; NULL until then. WeCom: member_list.name 名字.';
comment on column groupchat.owner.department_name is 'Department, where the vendor tells it (部门).';
comment on column groupchat.owner.batch_no is 'Batch of at most 100 owners for calls by owner; given once, never changed.';
comment on column groupchat.owner.first_seen_at is 'When the owner was first read.';
comment on column groupchat.owner.gone_at is 'When the owner was found to have left; NULL while present.';

create table groupchat.chat (
    source          text        not null,
    chat_id         text        not null,
    name            text,
    owner_id        text,
    owner_name      text,
    department_name text,
    status          bigint,
    notice          text,
    member_count    bigint,
    group_set_id    text,
    relation_type   text,
    created_at      timestamptz,
    first_seen_at   timestamptz not null,
    listed_at       timestamptz,
    detail_at       timestamptz,
    known_from      timestamptz not null,
    gone_at         timestamptz,
    gone_reason     text,
    list_hash       bigint,
    detail_hash     bigint,
    extra           jsonb,
    primary key (source, chat_id)
) with (fillfactor = 80);
comment on table  groupchat.chat is 'Group chats as they are now (客户群). Former values are in chat_history.';
comment on column groupchat.chat.source is 'Configured name of the source.';
comment on column groupchat.chat.chat_id is 'The vendor''s chat id. WeCom: chat_id 客户群ID.';
comment on column groupchat.chat.name is 'Name; empty when nobody named the chat; NULL until the detail was read. WeCom: name 群名.';
comment on column groupchat.chat.owner_id is 'User id of the owner. WeCom: owner 群主ID.';
comment on column groupchat.chat.owner_name is 'Name of the owner as the chat list tells it; NULL for WeCom, see groupchat.owner (群主).';
comment on column groupchat.chat.department_name is 'Department of the owner, where the chat list tells it (部门).';
comment on column groupchat.chat.status is 'WeCom: status 客户群跟进状态: 0 normal, 1 owner resigned, 2 being inherited, 3 inherited. Only the list tells it.';
comment on column groupchat.chat.notice is 'Announcement; empty when there is none. WeCom: notice 群公告.';
comment on column groupchat.chat.member_count is 'People in the chat at the last read. WeCom: length of member_list 群成员列表.';
comment on column groupchat.chat.group_set_id is 'DingTalk: group set the chat belongs to (群组).';
comment on column groupchat.chat.relation_type is 'DingTalk: relationType 关系类型.';
comment on column groupchat.chat.created_at is 'When the chat was created. WeCom: create_time 群的创建时间.';
comment on column groupchat.chat.first_seen_at is 'When the chat was first read.';
comment on column groupchat.chat.listed_at is 'When the stored values of the list were first read. Freshness is in sync.pass.';
comment on column groupchat.chat.detail_at is 'When the stored values of the detail were first read; NULL until then. Freshness is in sync.item.';
comment on column groupchat.chat.known_from is 'Since when name, owner, status and notice are known as they stand.';
comment on column groupchat.chat.gone_at is 'When the chat was found to be gone; NULL while it exists.';
comment on column groupchat.chat.gone_reason is 'How that was found.';
comment on column groupchat.chat.list_hash is 'Hash of what the list told; NULL if never listed.';
comment on column groupchat.chat.detail_hash is 'Hash of what the detail told, members included; NULL if never read.';
comment on column groupchat.chat.extra is 'Fields of the vendor that have no column yet, by their own names; a field once seen stays with its last value.';

create table groupchat.chat_history (
    source      text        not null,
    chat_id     text        not null,
    known_from  timestamptz not null,
    name        text,
    owner_id    text,
    status      bigint,
    notice      text,
    gone_at     timestamptz,
    known_until timestamptz not null,
    primary key (source, chat_id, known_from)
);
comment on table  groupchat.chat_history is 'Former values of a chat: one row per change of name, owner, status, notice or gone_at. The present ones are in groupchat.chat.';
comment on column groupchat.chat_history.source is 'Configured name of the source.';
comment on column groupchat.chat_history.chat_id is 'The vendor''s chat id.';
comment on column groupchat.chat_history.known_from is 'When these values were first read together.';
comment on column groupchat.chat_history.name is 'Name in that time (群名).';
comment on column groupchat.chat_history.owner_id is 'Owner in that time (群主ID).';
comment on column groupchat.chat_history.status is 'Status in that time (客户群跟进状态).';
comment on column groupchat.chat_history.notice is 'Announcement in that time (群公告).';
comment on column groupchat.chat_history.gone_at is 'When it was found to be gone, if it was gone in that time.';
comment on column groupchat.chat_history.known_until is 'When a read first told otherwise.';

create table groupchat.chat_member (
    source         text        not null,
    chat_id        text        not null,
    member_id      text        not null,
    joined_at      timestamptz not null,
    member_type    bigint,
    name           text,
    group_nickname text,
    union_id       text,
    join_scene     bigint,
    invitor_id     text,
    state          text,
    is_admin       boolean     not null,
    first_seen_at  timestamptz not null,
    left_after     timestamptz,
    left_before    timestamptz,
    hash           bigint      not null,
    extra          jsonb,
    primary key (source, chat_id, member_id, joined_at)
);
create index chat_member_staff on groupchat.chat_member (source, member_id) where member_type = 1;
comment on table  groupchat.chat_member is 'Membership spells: one row per person, chat and time of joining. Open while left_before is NULL.';
comment on column groupchat.chat_member.source is 'Configured name of the source.';
comment on column groupchat.chat_member.chat_id is 'The vendor''s chat id.';
comment on column groupchat.chat_member.member_id is 'The vendor''s id of the person. WeCom: member_list.userid 群成员id.';
comment on column groupchat.chat_member.joined_at is 'When the person joined; -infinity where the vendor does not say. WeCom: join_time 入群时间.';
comment on column groupchat.chat_member.member_type is 'WeCom: type 成员类型: 1 staff, 2 external contact.';
comment on column groupchat.chat_member.name is 'Name. WeCom: name 名字.';
comment on column groupchat.chat_member.group_nickname is 'Nickname within the chat. WeCom: group_nickname 在群里的昵称.';
comment on column groupchat.chat_member.union_id is 'WeChat union id, where the vendor gives it. WeCom: unionid 外部联系人在微信开放平台的唯一身份标识.';
comment on column groupchat.chat_member.join_scene is 'WeCom: join_scene 入群方式: 1 invited, 2 by link, 3 by QR code; other values occur.';
comment on column groupchat.chat_member.invitor_id is 'Who invited. WeCom: invitor.userid 邀请者.';
comment on column groupchat.chat_member.state is 'Channel marker of the join way. WeCom: state 区分不同的入群渠道.';
comment on column groupchat.chat_member.is_admin is 'True for an administrator of the chat. WeCom: admin_list 群管理员列表.';
comment on column groupchat.chat_member.first_seen_at is 'When the spell was first read.';
comment on column groupchat.chat_member.left_after is 'The last successful read that still had the member; NULL while the latest read has it. Set before left_before when an answer was not whole enough to prove the absence.';
comment on column groupchat.chat_member.left_before is 'The first read that proved the member to have left; NULL while the spell is open.';
comment on column groupchat.chat_member.hash is 'Hash of the vendor''s values of this row.';
comment on column groupchat.chat_member.extra is 'Fields of the vendor that have no column yet, by their own names.';

-- +goose Down
drop schema groupchat cascade;
drop function sync.commit_name;
drop table sync.reject, sync.page, sync.item, sync.checkpoint, sync.pass, sync.lease, sync.source;
