-- Adds robot messages whose readers are to be followed. One that is known and differs
-- is corrected, and followed anew should that have ended.
-- $1 source  $2 now; arrays of equal length, distinct and sorted by key:
-- $3 process_query_key  $4 open_conversation_id  $5 robot_code  $6 sent_at, null where
-- nobody says
-- Returns for each that is new true, and for each that was corrected false, and its
-- key. Uses robot_message_pkey.
insert into groupchat.robot_message as m (source, process_query_key, open_conversation_id, robot_code, sent_at)
select $1, process_query_key, open_conversation_id, robot_code, coalesce(sent_at, old.at, $2)
  from unnest($3::text[], $4::text[], $5::text[], $6::timestamptz[])
       as n (process_query_key, open_conversation_id, robot_code, sent_at)
  left join lateral (select o.sent_at as at
                       from groupchat.robot_message o
                      where o.source = $1 and o.process_query_key = n.process_query_key
                      limit 1) old on true
on conflict (source, process_query_key) do update
   set open_conversation_id = excluded.open_conversation_id, robot_code = excluded.robot_code,
       sent_at = excluded.sent_at, closed_at = null, close_reason = null
 where (m.open_conversation_id, m.robot_code, m.sent_at)
       is distinct from (excluded.open_conversation_id, excluded.robot_code, excluded.sent_at)
returning xmax = 0, process_query_key
