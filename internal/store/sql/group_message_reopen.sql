-- Has the senders of closed mass messages asked for once more, for a full pass.
-- $1 source  $2 born at the earliest
-- Changes a row per message. Scans the messages of the source.
update groupchat.group_message
   set closed_at = null, close_reason = null
 where source = $1 and closed_at is not null and coalesce(created_at, first_seen_at) >= $2
