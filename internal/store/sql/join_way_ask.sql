-- Tells which join ways are to be written.
-- $1 source; arrays of equal length: $2 config_id  $3 hash  $4 true for all of them
-- Returns the same as group_message_ask, by way of join_way_pkey; also those that were
-- gone.
select n.place, case when isfinite(w.fetched_at) then w.fetched_at when w.fetched_at is not null then 'epoch' end
  from unnest($2::text[], $3::bigint[]) with ordinality as n (config_id, hash, place)
  left join lateral (select *
                       from groupchat.join_way w
                      where w.source = $1 and w.config_id = n.config_id
                      limit 1) w on true
 where $4 or w.gone_at is not null or w.hash is distinct from n.hash
