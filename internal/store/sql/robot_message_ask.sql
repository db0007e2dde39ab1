-- Tells which robot messages have another status than what was read.
-- $1 source; arrays of equal length: $2 process_query_key  $3 send_status, null where
-- the answer does not tell it  $4 true for all that are told
-- Returns for each of those that are there the place in the arrays, counted from 1,
-- and checked_at. Looks each one up in robot_message_pkey.
select n.place, case when isfinite(m.checked_at) then m.checked_at when m.checked_at is not null then 'epoch' end
  from unnest($2::text[], $3::text[]) with ordinality as n (process_query_key, send_status, place)
 cross join lateral (select *
                       from groupchat.robot_message m
                      where m.source = $1 and m.process_query_key = n.process_query_key
                      limit 1) m
 where n.send_status is not null and ($4 or m.send_status is distinct from n.send_status)
