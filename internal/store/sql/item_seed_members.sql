-- Gives every chat that is not gone an item of the stream that reads its detail.
-- $1 source  $2 stream  $3 now
-- Changes a row per chat that had none. Scans the chats of the source and the
-- items of the stream, each once: an anti join would be free to scan the items
-- for every chat, and is where the planner has no statistics yet.
insert into sync.item (source, stream, subject, due_at)
select $1, $2, n.chat_id, $3
  from (select c.chat_id from groupchat.chat c where c.source = $1 and c.gone_at is null
        except
        select i.subject from sync.item i where i.source = $1 and i.stream = $2) n
 order by n.chat_id
on conflict do nothing
