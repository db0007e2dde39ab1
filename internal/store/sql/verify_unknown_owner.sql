-- Lists owners of whom there are statistics and who are in no list of owners.
-- $1 source
-- Returns owner_id, number of days and of periods. Scans the figures of the source.
select owner_id, sum(days)::bigint, sum(periods)::bigint
  from (select owner_id, count(*) as days, 0 as periods
          from groupchat.owner_stat where source = $1 group by owner_id
        union all
        select owner_id, 0, count(*)
          from groupchat.owner_period_stat where source = $1 group by owner_id) s
 where not exists (select from groupchat.owner o where o.source = $1 and o.owner_id = s.owner_id)
 group by owner_id
 order by owner_id
