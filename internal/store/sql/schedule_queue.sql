-- Places new jobs of River in its queue, which is ordered by scheduled_at: behind
-- those of sources that were served less recently than theirs.
-- $1 job ids  $2 sources, parallel to them
-- Changes a row each. Uses river_job_pkey and source_health_pkey.
update river.river_job j
   set scheduled_at = least(now(), coalesce(h.served_at, now() - interval '1 day'))
  from unnest($1::bigint[], $2::text[]) as n (id, source)
  left join sync.source_health h on h.source = n.source
 where j.id = n.id
