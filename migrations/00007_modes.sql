-- +goose Up
-- Streams that read the same records in more than one way, chains that are frozen
-- to what was created within some time, lists of more than one kind of record, and
-- records that are followed for a while.

alter table sync.pass
    add column mode text not null default '',
    add column ids_noted bigint not null default 0,
    add column ids_counted bigint,
    add column shifted boolean not null default false;
comment on column sync.pass.mode is 'Which way of reading the stream: full (everything), new (what was created since); empty where there is one way only.';
comment on column sync.pass.ids_noted is 'How many ids were noted in sync.page; a difference says that a crash of PostgreSQL has emptied it.';
comment on column sync.pass.ids_counted is 'Different ids of each chain, added up, of the records that the vendor''s totals count; NULL without totals.';
comment on column sync.pass.shifted is 'True when records moved under the pages while they were read.';
comment on column sync.pass.total_first is 'First total that the vendor gave for each chain, added up (totalCount 总数); NULL if none.';
comment on column sync.pass.total_last is 'Last total that the vendor gave for each chain, added up (totalCount 总数); NULL if none.';
update sync.pass set ids_noted = rows_read where finished_at is null;
drop index sync.pass_open;
create unique index pass_open on sync.pass (source, stream, mode) where finished_at is null;

alter table sync.checkpoint
    add column created_after timestamptz,
    add column created_until timestamptz,
    add column resumes bigint not null default 0,
    add column unordered boolean not null default false;
comment on column sync.checkpoint.unordered is 'True when the vendor has shown an older record after a younger one; the watermark says nothing then.';
comment on column sync.checkpoint.created_after is 'The chain is frozen to records created then or later; NULL from the first.';
comment on column sync.checkpoint.created_until is 'The chain is frozen to records created then or earlier; NULL to the latest.';
comment on column sync.checkpoint.resumes is 'How often the chain went on from its watermark with a new cursor.';
comment on column sync.checkpoint.watermark is 'Youngest creation among what the chain has committed, where the vendor lists by it, oldest first (gmtCreate 创建时间).';

create table sync.watermark (
    source    text        not null,
    stream    text        not null,
    lane      text        not null,
    scope     bigint      not null,
    watermark timestamptz not null,
    primary key (source, stream, lane)
);
comment on table  sync.watermark is 'Up to which creation the records of a stream are held, where the vendor lists by it.';
comment on column sync.watermark.source is 'Configured name of the source.';
comment on column sync.watermark.stream is 'Stream within the source.';
comment on column sync.watermark.lane is 'Part of the stream with a watermark of its own, such as a relation type (relationType 关系类型).';
comment on column sync.watermark.scope is 'Hash of the filters it holds under; under others everything is read anew.';
comment on column sync.watermark.watermark is 'The instant.';

drop table sync.page;
create unlogged table sync.page (
    pass_id    bigint not null,
    part       bigint generated always as identity,
    subject    text   not null,
    record     text   not null,
    ids        text[] not null,
    total_low  bigint,
    total_high bigint,
    primary key (pass_id, part)
);
alter table sync.page alter column ids set storage external;
comment on table  sync.page is 'Ids seen by an open list pass. UNLOGGED: empty after a crash of PostgreSQL, and the pass then starts over.';
comment on column sync.page.pass_id is 'The open pass.';
comment on column sync.page.part is 'Numbers the rows.';
comment on column sync.page.subject is 'The chain that has seen them.';
comment on column sync.page.record is 'What they are ids of: chat, owner, task, group_set.';
comment on column sync.page.ids is 'Ids of records that one transaction has seen, as often as it has.';
comment on column sync.page.total_low is 'Least total that the vendor gave with them (totalCount 总数); NULL if none.';
comment on column sync.page.total_high is 'Greatest one.';

alter table sync.candidate add column record text not null default 'chat';
alter table sync.candidate alter column record drop default;
alter table sync.candidate drop constraint candidate_pkey;
alter table sync.candidate add primary key (source, stream, record, subject);
comment on column sync.candidate.record is 'What kind of record: chat, task, group_set.';
comment on column sync.candidate.confirmed_by is 'Stream whose direct read confirms or clears it; empty where a second complete pass does.';

alter table sync.item
    add column params text,
    add column born_at timestamptz;
comment on column sync.item.params is 'Request params of this record, a JSON object; NULL for those of the stream.';
comment on column sync.item.born_at is 'When the record was born; NULL where that is not known.';
comment on column sync.item.due_at is 'When it wants to be read again; infinity is never by itself.';

comment on column sync.finding.kind is 'What kind of thing: scope_changed, not_gone, mass_disappearance, owner_refused, out_of_reach; or a rule of syncd verify: never_detailed, unknown_owner, pass_total, sum_ and a figure.';

-- +goose Down
comment on column sync.finding.kind is 'What kind of thing: scope_changed, not_gone, mass_disappearance, owner_refused; or a rule of syncd verify: never_detailed, unknown_owner, pass_total, sum_ and a figure.';
comment on column sync.item.due_at is 'When it wants to be read again.';
alter table sync.item drop column born_at, drop column params;

comment on column sync.candidate.confirmed_by is 'Stream whose direct read confirms or clears it.';
delete from sync.candidate where record <> 'chat';
alter table sync.candidate drop column record;
alter table sync.candidate add primary key (source, stream, subject);

drop table sync.page;
create unlogged table sync.page (
    pass_id bigint not null,
    part    bigint generated always as identity,
    ids     text[] not null,
    primary key (pass_id, part)
);
alter table sync.page alter column ids set storage external;
comment on table  sync.page is 'Ids seen by an open list pass. UNLOGGED: empty after a crash of PostgreSQL, and the pass then starts over.';
comment on column sync.page.pass_id is 'The open pass.';
comment on column sync.page.part is 'Numbers the transactions of passes.';
comment on column sync.page.ids is 'Ids of records that one transaction has seen, as often as it has.';

drop table sync.watermark;

comment on column sync.checkpoint.watermark is 'Instant up to which everything is held, where the vendor has an ordered field.';
alter table sync.checkpoint drop column unordered, drop column resumes, drop column created_until, drop column created_after;

drop index sync.pass_open;
delete from sync.checkpoint where pass_id in (select pass_id from sync.pass where mode <> '');
delete from sync.pass where mode <> '' and finished_at is null;
create unique index pass_open on sync.pass (source, stream) where finished_at is null;
comment on column sync.pass.total_last is 'The same on the latest page.';
comment on column sync.pass.total_first is 'Number of records as the vendor gave it on the first page; NULL where it gives none.';
alter table sync.pass
    drop column shifted, drop column ids_counted, drop column ids_noted, drop column mode;
