-- How the streams of a source stand.
-- $1 source  $2 now
-- Returns a row per stream and mode that has had a pass: the latest pass, the
-- latest complete one, the latest of those that lacks nothing (see
-- model.PassFacts.Lacking), the items of a detail stream, who holds the lease, and why
-- its lists prove nothing, if they do not. Looks the streams up one after the other in
-- pass_mode, and their complete passes in pass_complete; scans the items of the
-- source, and uses lease_pkey and finding_pkey.
with recursive known (stream, mode) as (
    (select stream, mode from sync.pass where source = $1 order by stream, mode limit 1)
    union all
    select n.stream, n.mode
      from known k
     cross join lateral (select o.stream, o.mode
                           from sync.pass o
                          where o.source = $1 and (o.stream, o.mode) > (k.stream, k.mode)
                          order by o.stream, o.mode
                          limit 1) n
)
select p.stream, p.mode, p.pass_id, p.outcome, coalesce(p.verdict, ''), p.started_at, p.finished_at, p.resume_at,
       coalesce(p.error, ''), p.pages, p.rows_read, p.rows_changed, p.calls, p.rejects,
       p.items_failed, p.items_refused, g.started_at, g.finished_at,
       w.started_at, w.finished_at, coalesce(i.total, 0), coalesce(i.never, 0), coalesce(i.overdue, 0), coalesce(i.failing, 0), coalesce(l.holder, ''),
       coalesce(case when g.waits then g.pass_id end, 0), coalesce(g.candidates, 0),
       coalesce(f.detail || coalesce('; ' || nullif(f.remedy, ''), ''), '')
  from known k
 cross join lateral (select *
                       from sync.pass o
                      where o.source = $1 and o.stream = k.stream and o.mode = k.mode
                      order by o.pass_id desc
                      limit 1) p
  left join lateral (select pass_id, started_at, finished_at, candidates,
                            held and approved_at is null as waits
                       from sync.pass c
                      where c.source = $1 and c.stream = p.stream and c.mode = p.mode and c.outcome = 'complete'
                      order by c.pass_id desc
                      limit 1) g on true
  left join lateral (select started_at, finished_at
                       from sync.pass c
                      where c.source = $1 and c.stream = p.stream and c.mode = p.mode and c.outcome = 'complete'
                        and not c.lacking
                      order by c.pass_id desc
                      limit 1) w on true
  left join (select stream, count(*) as total,
                    count(*) filter (where fetched_at is null) as never,
                    count(*) filter (where due_at <= $2) as overdue,
                    count(*) filter (where failures > 0) as failing
               from sync.item
              where source = $1
              group by stream) i on i.stream = p.stream
  left join sync.lease l on l.source = $1 and l.stream = p.stream and l.expires_at > clock_timestamp()
  left join sync.finding f on f.source = $1 and f.stream = p.stream and f.kind = 'never_proven' and f.subject = p.mode
                          and f.cleared_at is null
 order by p.stream, p.mode
