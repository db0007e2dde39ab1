-- Writes the status of robot messages.
-- $1 source; arrays of equal length, distinct: $2 process_query_key  $3 send_status,
-- null to keep it  $4 read at
-- Changes a row per message. Uses robot_message_pkey.
update groupchat.robot_message m
   set send_status = coalesce(n.send_status, m.send_status), checked_at = n.read_at
  from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (process_query_key, send_status, read_at)
 where m.source = $1 and m.process_query_key = n.process_query_key
