-- Notes of mass messages that their senders are not asked for any more.
-- $1 source; arrays of equal length, distinct: $2 msg_id  $3 closed_at  $4 close_reason
-- Changes a row per message that was not closed. Uses group_message_pkey.
update groupchat.group_message m
   set closed_at = n.at, close_reason = n.reason
  from unnest($2::text[], $3::timestamptz[], $4::text[]) as n (msg_id, at, reason)
 where m.source = $1 and m.msg_id = n.msg_id and m.closed_at is null
