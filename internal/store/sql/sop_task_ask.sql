-- Tells which tasks of list pages are to be looked at before they are written.
-- $1 source; arrays of equal length: $2 task ids  $3 hashes of what the pages tell
-- $4 scope of the pass  $5 true for all of them
-- Returns the same as chat_ask_listed, by way of sop_task_pkey.
select n.place, t.source is not null as known,
       case when isfinite(t.listed_at) then t.listed_at when t.listed_at is not null then 'epoch' end,
       case when isfinite(t.gone_at) then t.gone_at when t.gone_at is not null then 'epoch' end
  from unnest($2::text[], $3::bigint[]) with ordinality as n (task_id, hash, place)
  left join lateral (select *
                       from groupchat.sop_task t
                      where t.source = $1 and t.task_id = n.task_id
                      limit 1) t on true
 where $5 or t.gone_at is not null
    or t.list_hash is distinct from n.hash or t.list_scope is distinct from $4
