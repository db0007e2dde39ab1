-- +goose Up
-- The ids that a list pass has seen, one row for each transaction: a row and an
-- index entry for each id cost more than asking what is stored of it.

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

comment on column sync.pass.ids_distinct is 'Different ids seen by a list pass; counted when it ends.';
comment on column sync.pass.ids_repeated is 'Ids that were seen again within the pass; counted when it ends.';

-- +goose Down
comment on column sync.pass.ids_repeated is 'Ids that were seen again within the pass.';
comment on column sync.pass.ids_distinct is 'Different ids seen by a list pass.';

drop table sync.page;

create unlogged table sync.page (
    pass_id bigint not null,
    id      text   not null,
    primary key (pass_id, id)
);
comment on table  sync.page is 'Ids seen by an open list pass. UNLOGGED: empty after a crash of PostgreSQL, and the pass then starts over.';
comment on column sync.page.pass_id is 'The open pass.';
comment on column sync.page.id is 'Id of a record that the pass has seen.';
