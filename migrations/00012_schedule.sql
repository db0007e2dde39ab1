-- +goose Up
-- When streams run, and how their sources fare. The jobs themselves are River's,
-- in a schema of its own that River migrates (internal/store).

create schema river;
comment on schema river is 'Jobs of syncd run: the tables of River, migrated by it.';

create table sync.schedule (
    source      text        not null,
    stream      text        not null,
    mode        text        not null,
    expression  text        not null,
    timezone    text        not null,
    next_run_at timestamptz not null,
    last_run_at timestamptz,
    enabled     boolean     not null default true,
    slice_at    timestamptz,
    outcome     text,
    failures    integer     not null default 0,
    resume_at   timestamptz,
    halted_at   timestamptz,
    error       text,
    primary key (source, stream, mode)
);
create index schedule_due on sync.schedule (next_run_at) where enabled and halted_at is null;
comment on table  sync.schedule is 'When each stream of syncd run is due, and how its latest slice ended.';
comment on column sync.schedule.source is 'Configured name of the source.';
comment on column sync.schedule.stream is 'Stream within the source.';
comment on column sync.schedule.mode is 'Which of the schedules of the stream: empty for its schedule, full for its full_schedule.';
comment on column sync.schedule.expression is 'Cron expression of the configuration.';
comment on column sync.schedule.timezone is 'Time zone in which the expression is meant.';
comment on column sync.schedule.next_run_at is 'When a run is due next; the past while it waits to be enqueued.';
comment on column sync.schedule.last_run_at is 'When a run was enqueued last; NULL before the first one.';
comment on column sync.schedule.enabled is 'False when the stream has left the configuration or is switched off. Its data stays.';
comment on column sync.schedule.slice_at is 'When its latest slice ended; NULL before the first one.';
comment on column sync.schedule.outcome is 'How its latest slice ended: done, more, later, transient, busy, blocked, outage, auth, config, unknown, stopped or absent.';
comment on column sync.schedule.failures is 'Slices in a row that were blocked, or failed as transient or unknown.';
comment on column sync.schedule.resume_at is 'The earliest instant of its next slice; NULL for at once, or when the run is over.';
comment on column sync.schedule.halted_at is 'Since when it is not run because the configuration has to change first; NULL while it runs.';
comment on column sync.schedule.error is 'Why the latest slice did not simply go on, without any secret; NULL where it did.';

create table sync.source_health (
    source    text        not null primary key,
    served_at timestamptz,
    failures  integer     not null default 0,
    resume_at timestamptz,
    paused_at timestamptz,
    probe_at  timestamptz,
    error     text
);
comment on table  sync.source_health is 'How the vendors of the sources answer syncd run: whose turn it is, who is left alone for a while.';
comment on column sync.source_health.source is 'Configured name of the source.';
comment on column sync.source_health.served_at is 'When a slice of it began last: sources take turns by it.';
comment on column sync.source_health.failures is 'Slices in a row that failed as transient.';
comment on column sync.source_health.resume_at is 'Until then no slice begins, because the latest one failed as transient; NULL otherwise.';
comment on column sync.source_health.paused_at is 'Since when the vendor refuses the credential; NULL while it does not.';
comment on column sync.source_health.probe_at is 'When a paused source is tried again, with one slice; NULL while it is not paused.';
comment on column sync.source_health.error is 'Why it is paused or left alone, without any secret; NULL otherwise.';

-- +goose Down
drop table sync.source_health, sync.schedule;
drop schema river cascade;
