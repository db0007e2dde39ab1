-- What is stored of chats before a page of them is written.
-- $1 source  $2 chat ids
-- Returns a row per known chat. Uses chat_pkey.
select chat_id, list_hash, detail_hash, listed_at, detail_at, list_scope, gone_at
  from groupchat.chat
 where source = $1 and chat_id = any ($2::text[])
