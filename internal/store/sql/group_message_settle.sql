-- Closes mass messages that every sender has sent: nothing about them changes any
-- more.
-- $1 source; arrays of equal length, distinct: $2 msg_id  $3 read at, of messages all
-- of whose senders could be read
-- Changes a row per message that is closed by it. Uses group_message_pkey and
-- group_message_task_pkey.
update groupchat.group_message m
   set closed_at = n.read_at, close_reason = 'every sender has sent it'
  from unnest($2::text[], $3::timestamptz[]) as n (msg_id, read_at)
 cross join lateral (select bool_and(t.is_sent) as sent
                       from groupchat.group_message_task t
                      where t.source = $1 and t.msg_id = n.msg_id) t
 where m.source = $1 and m.msg_id = n.msg_id and m.closed_at is null and t.sent
