-- Closes the senders of closed mass messages that have not sent them, as far as their
-- receivers were ever read: nobody would learn that they have.
-- $1 source; arrays of equal length, distinct: $2 msg_id  $3 closed_at  $4 close_reason
-- Changes a row per sender. Uses group_message_task_pkey.
update groupchat.group_message_task t
   set closed_at = n.at, close_reason = 'message closed: ' || n.reason
  from unnest($2::text[], $3::timestamptz[], $4::text[]) as n (msg_id, at, reason)
 where t.source = $1 and t.msg_id = n.msg_id and t.closed_at is null and not t.is_sent and t.results_at is not null
