-- Notes of robot messages that their readers are not asked for any more.
-- $1 source; arrays of equal length, distinct: $2 process_query_key  $3 closed_at
-- $4 close_reason
-- Changes a row per message that was followed. Uses robot_message_pkey.
update groupchat.robot_message m
   set closed_at = n.at, close_reason = n.reason
  from unnest($2::text[], $3::timestamptz[], $4::text[]) as n (process_query_key, at, reason)
 where m.source = $1 and m.process_query_key = n.process_query_key and m.closed_at is null
