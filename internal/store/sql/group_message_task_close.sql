-- Notes of senders of mass messages that their receivers are not asked for any more.
-- $1 source; arrays of equal length, distinct: $2 msg_id/user_id, the last slash being
-- the one between them  $3 closed_at  $4 close_reason
-- Changes a row per sender that was not closed. Uses group_message_task_pkey.
update groupchat.group_message_task t
   set closed_at = n.at, close_reason = n.reason
  from unnest($2::text[], $3::timestamptz[], $4::text[]) as n (subject, at, reason)
 where t.source = $1 and t.msg_id = substring(n.subject from '^(.*)/') and t.closed_at is null
   and t.user_id = substring(n.subject from '[^/]*$')
