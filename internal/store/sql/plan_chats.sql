-- Counts the chats that are known and not gone.
-- $1 source
-- Returns a row per owner and status: owner ('' where it is not known), status
-- (-1 where it is not), chats. Scans the chats of the source.
select coalesce(owner_id, ''), coalesce(status, -1), count(*)
  from groupchat.chat
 where source = $1 and gone_at is null
 group by 1, 2
