-- Gives every chat that is not gone an item of the stream that reads its detail.
-- $1 source  $2 stream  $3 now
-- Changes a row per chat that had none. Uses item_pkey and chat_pkey.
insert into sync.item (source, stream, subject, due_at)
select $1, $2, c.chat_id, $3
  from groupchat.chat c
 where c.source = $1 and c.gone_at is null
   and not exists (select from sync.item i
                    where i.source = $1 and i.stream = $2 and i.subject = c.chat_id)
 order by c.chat_id
on conflict do nothing
