-- The chats whose details are read: those that are not gone.
-- $1 source
-- Returns the columns of items/lacking.sql. Scans the chats of the source.
select c.chat_id as subject, null::text as params, null::timestamptz as born_at, false as again
  from groupchat.chat c
 where c.source = $1 and c.gone_at is null
