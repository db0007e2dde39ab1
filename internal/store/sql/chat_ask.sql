-- What is stored of chats before a page of them is written.
-- $1 source  $2 chat ids
-- Returns a row per known chat; of a time only that it is there, where somebody
-- made it infinite. Uses chat_pkey.
select chat_id, list_hash, detail_hash,
       case when isfinite(listed_at) then listed_at when listed_at is not null then 'epoch' end,
       case when isfinite(detail_at) then detail_at when detail_at is not null then 'epoch' end,
       list_scope,
       case when isfinite(gone_at) then gone_at when gone_at is not null then 'epoch' end
  from groupchat.chat
 where source = $1 and chat_id = any ($2::text[])
