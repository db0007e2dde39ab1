-- Counts the items that a pass would read now: those that are due, and the chats that
-- item_seed_members would give an item.
-- $1 source  $2 stream  $3 start of the pass  $4 whether it would seed them first
-- Returns one number. Scans the items of the stream (item_pkey) and the chats.
select (select count(*)
          from sync.item
         where source = $1 and stream = $2 and (due_at <= $3 or doubt_hash is not null))
     + (select count(*)
          from groupchat.chat c
         where $4 and c.source = $1 and c.gone_at is null
           and not exists (select from sync.item i
                            where i.source = $1 and i.stream = $2 and i.subject = c.chat_id))
