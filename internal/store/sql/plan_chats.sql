-- Counts the chats that are known and not gone.
-- $1 source
-- Returns a row per owner, status and relation: owner ('' where it is not known),
-- status (-1 where it is not), relation ('' where it is not), chats. Scans the chats of
-- the source.
select coalesce(owner_id, ''), coalesce(status, -1), coalesce(relation_type, ''), count(*)
  from groupchat.chat
 where source = $1 and gone_at is null
 group by 1, 2, 3
