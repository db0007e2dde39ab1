-- How far the days of each stream of statistics are held.
-- $1 source
-- Returns a row per stream: stream, subjects that have not retired, today, oldest
-- and newest day wanted; how many days of subjects are held of those, pending, at
-- risk, refused, lost; how many days are lost of anybody, the first and the last of
-- them. Scans the coverage of the source.
with n as (
    select c.stream, c.today, c.oldest, c.newest, c.lost,
           (select coalesce(sum(upper(r) - lower(r)), 0)
              from unnest(c.covered * datemultirange(daterange(c.oldest, greatest(c.newest + 1, c.oldest)))) r) as held,
           (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(c.pending) r) as pending,
           (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(c.at_risk) r) as at_risk,
           (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(c.refused) r) as refused,
           (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(c.lost) r) as lost_days
      from sync.coverage_state c
     where c.source = $1
),
t as (
    select stream, max(today) as today, max(oldest) as oldest, max(newest) as newest,
           sum(held)::bigint as held, sum(pending)::bigint as pending, sum(at_risk)::bigint as at_risk,
           sum(refused)::bigint as refused, sum(lost_days)::bigint as lost, range_agg(lost) as lost_set
      from n
     group by stream
)
select t.stream,
       (select count(*) from sync.coverage c where c.source = $1 and c.stream = t.stream and c.retired_on is null),
       t.today, t.oldest, t.newest, t.held, t.pending, t.at_risk, t.refused, t.lost,
       (select coalesce(sum(upper(r) - lower(r)), 0) from unnest(t.lost_set) r)::bigint as lost_dates,
       lower(t.lost_set), upper(t.lost_set) - 1
  from t
 order by t.stream
