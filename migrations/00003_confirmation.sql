-- +goose Up
-- What it takes to say that a chat is gone: the scope under which it was listed,
-- candidates that a complete pass missed, findings for people; and the roster of
-- owners that a large tenant is listed by.

alter table groupchat.chat add column list_scope bigint;
comment on column groupchat.chat.list_scope is 'Hash of the filters under which the chat was last listed; only a pass with the same can miss it.';

alter table groupchat.owner
    add column unlisted_at timestamptz,
    add column list_scope bigint;
comment on column groupchat.owner.list_scope is 'Hash of the filters under which the owner was last listed; NULL if never: seen as the owner of a chat.';
comment on column groupchat.owner.unlisted_at is 'When a complete owner list first lacked the owner; NULL while listed. A resigned owner can still own chats (离职成员).';

alter table sync.checkpoint add column owners text[];
comment on column sync.checkpoint.owners is 'Owners the chain is restricted to; NULL for all.';

alter table sync.pass
    add column held boolean not null default false,
    add column approved_at timestamptz;
comment on column sync.pass.held is 'True when the pass missed so many records that a person has to approve it: syncd approve.';
comment on column sync.pass.approved_at is 'When a person approved it.';

alter table sync.item add column refused boolean not null default false;
comment on column sync.item.refused is 'True when the last failure is the vendor''s answer: gone or out of sight.';

create table sync.candidate (
    source       text        not null,
    stream       text        not null,
    subject      text        not null,
    pass_id      bigint      not null,
    missing_at   timestamptz not null,
    held         boolean     not null,
    confirmed_by text        not null,
    primary key (source, stream, subject)
);
comment on table  sync.candidate is 'Records that a complete pass missed and that no direct read has confirmed to be gone.';
comment on column sync.candidate.source is 'Configured name of the source.';
comment on column sync.candidate.stream is 'List stream that missed it.';
comment on column sync.candidate.subject is 'Id of the record.';
comment on column sync.candidate.pass_id is 'The pass that missed it; for a held one, the latest.';
comment on column sync.candidate.missing_at is 'When it was first missed.';
comment on column sync.candidate.confirmed_by is 'Stream whose direct read confirms or clears it.';
comment on column sync.candidate.held is 'True while the breaker holds it back until a person approves the pass.';

create table sync.finding (
    source        text        not null,
    stream        text        not null,
    kind          text        not null,
    subject       text        not null,
    pass_id       bigint,
    detail        text        not null,
    remedy        text        not null,
    times         bigint      not null default 1,
    first_seen_at timestamptz not null,
    last_seen_at  timestamptz not null,
    primary key (source, stream, kind, subject)
);
comment on table  sync.finding is 'What does not fit together, for a person to look at. One row per source, stream, kind and subject.';
comment on column sync.finding.source is 'Configured name of the source.';
comment on column sync.finding.stream is 'Stream that found it.';
comment on column sync.finding.kind is 'What kind of thing: scope_changed, not_gone, mass_disappearance, owner_refused.';
comment on column sync.finding.subject is 'Id of the record it is about; empty for the stream as a whole.';
comment on column sync.finding.pass_id is 'The pass that found it last.';
comment on column sync.finding.detail is 'What was found.';
comment on column sync.finding.remedy is 'What to do, often a command; empty for nothing.';
comment on column sync.finding.times is 'How often it was found.';
comment on column sync.finding.first_seen_at is 'When it was first found.';
comment on column sync.finding.last_seen_at is 'When it was last found.';

-- +goose Down
drop table sync.finding, sync.candidate;
alter table sync.item drop column refused;
alter table sync.pass drop column approved_at, drop column held;
alter table sync.checkpoint drop column owners;
alter table groupchat.owner drop column list_scope, drop column unlisted_at;
alter table groupchat.chat drop column list_scope;
