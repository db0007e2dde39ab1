-- Tells which group sets of list pages are to be looked at before they are written.
-- $1 source; arrays of equal length: $2 ids  $3 hashes of what the pages tell
-- $4 scope of the pass  $5 true for all of them
-- Returns the same as chat_ask_listed, by way of group_set_pkey.
select n.place, g.source is not null as known,
       case when isfinite(g.listed_at) then g.listed_at when g.listed_at is not null then 'epoch' end,
       case when isfinite(g.gone_at) then g.gone_at when g.gone_at is not null then 'epoch' end
  from unnest($2::text[], $3::bigint[]) with ordinality as n (group_set_id, hash, place)
  left join lateral (select *
                       from groupchat.group_set g
                      where g.source = $1 and g.group_set_id = n.group_set_id
                      limit 1) g on true
 where $5 or g.gone_at is not null
    or g.list_hash is distinct from n.hash or g.list_scope is distinct from $4
