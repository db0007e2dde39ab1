-- The mass messages whose senders are asked for: those that are not closed. One whose
-- creation is not told, or lies ahead, counts as made when it was first seen.
-- $1 source
-- Returns the columns of items/lacking.sql. Scans the messages of the source that are
-- not closed (group_message_open).
select m.msg_id as subject, null::text as params, least(m.created_at, m.first_seen_at) as born_at, false as again
  from groupchat.group_message m
 where m.source = $1 and m.closed_at is null
