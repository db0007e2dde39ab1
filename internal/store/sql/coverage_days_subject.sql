-- Lists the days of one subject that are held, wanted or lost.
-- $1 source  $2 stream  $3 subject
-- Returns a row per day, in order, as coverage_days does. Uses coverage_pkey,
-- owner_stat_pkey and daily_stat_part_pkey.
with told as (
    select day from groupchat.owner_stat where source = $1 and owner_id = $3 and $2 = 'owner_stats'
     union
    select day from groupchat.daily_stat_part where source = $1 and batch_no::text = $3 and $2 = 'daily_stats'
     union
    select day from groupchat.daily_stat where source = $1 and $2 = 'daily_stats'
     union
    select p.day_to
      from groupchat.owner_period_stat p
      join groupchat.owner o on o.source = p.source and o.owner_id = p.owner_id
     where p.source = $1 and o.batch_no || '/' || (p.day_to - p.day_from + 1) = $3
       and $2 = 'owner_period_stats'
),
days as (
    select d.day::date as day, k.state
      from sync.coverage_state c
     cross join lateral (values ('covered', c.covered), ('pending', c.pending), ('at_risk', c.at_risk),
                                ('refused', c.refused), ('lost', c.lost)) as k (state, days)
     cross join lateral unnest(k.days) as r
     cross join lateral generate_series(lower(r), upper(r) - 1, interval '1 day') as d (day)
     where c.source = $1 and c.stream = $2 and c.subject = $3
),
stated as (
    select d.day, case when d.state = 'covered' and t.day is null then 'empty' else d.state end as state
      from days d
      left join told t on t.day = d.day
)
select s.day, (s.state = 'covered')::int::bigint, (s.state = 'empty')::int::bigint, (s.state = 'pending')::int::bigint,
       (s.state = 'at_risk')::int::bigint, (s.state = 'refused')::int::bigint, (s.state = 'lost')::int::bigint, s.state,
       (s.day + w.days + 1)::timestamp at time zone z.timezone
  from stated s
  join sync.source z on z.source = $1
  join sync.stat_window w on w.source = $1 and w.stream = $2
 order by s.day
