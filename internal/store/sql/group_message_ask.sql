-- Tells which mass messages of list pages are to be written.
-- $1 source; arrays of equal length: $2 msg_id  $3 hash  $4 true for all of them
-- Returns for each of those the place in the arrays, counted from 1, and when the
-- stored values were read, null for a new one. Looks each one up in group_message_pkey.
select n.place, case when isfinite(m.listed_at) then m.listed_at when m.listed_at is not null then 'epoch' end
  from unnest($2::text[], $3::bigint[]) with ordinality as n (msg_id, hash, place)
  left join lateral (select *
                       from groupchat.group_message m
                      where m.source = $1 and m.msg_id = n.msg_id
                      limit 1) m on true
 where $4 or m.hash is distinct from n.hash
