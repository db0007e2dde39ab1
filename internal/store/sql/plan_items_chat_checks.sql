-- Counts the items that a pass would read now: those that are due, and the chats that
-- item_seed_chat_checks would make due.
-- $1 source  $2 stream  $3 start of the pass  $4 whether it would seed them first
-- Returns one number. Scans the items of the stream (item_pkey) and the candidates of
-- the source (candidate_pkey).
select count(*)
  from (select subject
          from sync.item
         where source = $1 and stream = $2 and (due_at <= $3 or doubt_hash is not null)
        union
        (select subject
           from sync.candidate
          where $4 and source = $1 and confirmed_by = $2 and record = 'chat' and not held
         except
         select subject
           from sync.item
          where source = $1 and stream = $2 and due_at < 'infinity')) n
