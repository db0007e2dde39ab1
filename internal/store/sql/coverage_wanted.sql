-- Counts of how many subjects each day is wanted and not held yet, refused ones
-- left out.
-- $1 source
-- Returns a row per stream and day: stream, day, subjects. Scans the coverage of
-- the source.
with step as (
    select c.stream, e.day, sum(e.n) as n
      from sync.coverage_state c
     cross join lateral unnest(c.pending + c.at_risk) as r
     cross join lateral (values (lower(r), 1), (upper(r), -1)) as e (day, n)
     where c.source = $1
     group by c.stream, e.day
),
run as (
    select stream, day, lead(day) over w as next_day, sum(n) over w as subjects
      from step
    window w as (partition by stream order by day)
)
select run.stream, d.day::date, run.subjects::bigint
  from run
 cross join lateral generate_series(run.day, run.next_day - 1, interval '1 day') as d (day)
 where run.subjects > 0
