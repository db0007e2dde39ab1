-- Marks join ways as gone. One that was never read gets a row that says no more.
-- $1 source; arrays of equal length, distinct and sorted: $2 config_id  $3 gone_at
-- $4 gone_reason
-- Changes a row per join way that was not gone. Looks each one up in join_way_pkey
-- before it writes: a conflict would cost a lock and a row version.
insert into groupchat.join_way as w (source, config_id, gone_at, gone_reason)
select $1, n.config_id, n.at, n.reason
  from unnest($2::text[], $3::timestamptz[], $4::text[]) as n (config_id, at, reason)
  left join lateral (select w.gone_at
                       from groupchat.join_way w
                      where w.source = $1 and w.config_id = n.config_id
                      limit 1) w on true
 where w.gone_at is null
on conflict (source, config_id) do update
   set gone_at = excluded.gone_at, gone_reason = excluded.gone_reason
