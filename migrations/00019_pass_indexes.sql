-- +goose Up
-- The latest passes are found without reading the others: a stream that runs every
-- ten minutes has 57,000 of them before the first is removed.

create index pass_mode on sync.pass (source, stream, mode, pass_id desc);
create index pass_complete on sync.pass (source, stream, mode, pass_id desc) where outcome = 'complete';

-- The streams that have had a pass are looked up one after the other.
create or replace view bi.freshness as
select k.source, k.stream,
       g.started_at as complete_started_at, g.finished_at as complete_finished_at, g.verdict as complete_verdict,
       now() - g.started_at as age,
       p.outcome as last_outcome, p.started_at as last_started_at, p.finished_at as last_finished_at,
       p.resume_at as last_resume_at, p.error as last_error,
       coalesce(i.items, 0) as items, coalesce(i.never_read, 0) as items_never_read,
       coalesce(i.overdue, 0) as items_overdue, coalesce(i.failing, 0) as items_failing,
       i.oldest as oldest_item_read_at, p.mode as last_mode, n.started_at as new_started_at
  from (with recursive known (source, stream) as (
            (select source, stream from sync.pass order by source, stream limit 1)
            union all
            select n.source, n.stream
              from known f
             cross join lateral (select o.source, o.stream
                                   from sync.pass o
                                  where (o.source, o.stream) > (f.source, f.stream)
                                  order by o.source, o.stream
                                  limit 1) n)
        select source, stream from known
         union
        select distinct source, stream from sync.item) k
  left join lateral (select outcome, started_at, finished_at, resume_at, error, mode from sync.pass
                      where source = k.source and stream = k.stream
                      order by pass_id desc
                      limit 1) p on true
  left join lateral (select started_at, finished_at, verdict from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete' and mode <> 'new'
                      order by pass_id desc
                      limit 1) g on true
  left join lateral (select started_at from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete' and mode = 'new'
                      order by pass_id desc
                      limit 1) n on true
  left join (select source, stream, count(*) as items,
                    count(*) filter (where fetched_at is null) as never_read,
                    count(*) filter (where due_at <= now()) as overdue,
                    count(*) filter (where failures > 0) as failing,
                    min(fetched_at) filter (where isfinite(fetched_at)) as oldest
               from sync.item
              group by source, stream) i on i.source = k.source and i.stream = k.stream;

-- +goose Down
create or replace view bi.freshness as
select k.source, k.stream,
       g.started_at as complete_started_at, g.finished_at as complete_finished_at, g.verdict as complete_verdict,
       now() - g.started_at as age,
       p.outcome as last_outcome, p.started_at as last_started_at, p.finished_at as last_finished_at,
       p.resume_at as last_resume_at, p.error as last_error,
       coalesce(i.items, 0) as items, coalesce(i.never_read, 0) as items_never_read,
       coalesce(i.overdue, 0) as items_overdue, coalesce(i.failing, 0) as items_failing,
       i.oldest as oldest_item_read_at, p.mode as last_mode, n.started_at as new_started_at
  from (select source, stream from sync.pass union select source, stream from sync.item) k
  left join lateral (select outcome, started_at, finished_at, resume_at, error, mode from sync.pass
                      where source = k.source and stream = k.stream
                      order by pass_id desc
                      limit 1) p on true
  left join lateral (select started_at, finished_at, verdict from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete' and mode <> 'new'
                      order by pass_id desc
                      limit 1) g on true
  left join lateral (select started_at from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete' and mode = 'new'
                      order by pass_id desc
                      limit 1) n on true
  left join (select source, stream, count(*) as items,
                    count(*) filter (where fetched_at is null) as never_read,
                    count(*) filter (where due_at <= now()) as overdue,
                    count(*) filter (where failures > 0) as failing,
                    min(fetched_at) filter (where isfinite(fetched_at)) as oldest
               from sync.item
              group by source, stream) i on i.source = k.source and i.stream = k.stream;
drop index sync.pass_complete, sync.pass_mode;
