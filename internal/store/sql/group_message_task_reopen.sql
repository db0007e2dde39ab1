-- Has the receivers of closed senders of mass messages asked for once more, for a full
-- pass.
-- $1 source  $2 messages born at the earliest
-- Changes a row per sender. Scans messages and senders of the source.
update groupchat.group_message_task t
   set closed_at = null, close_reason = null
  from groupchat.group_message m
 where m.source = $1 and coalesce(m.created_at, m.first_seen_at) >= $2
   and t.source = m.source and t.msg_id = m.msg_id and t.closed_at is not null
