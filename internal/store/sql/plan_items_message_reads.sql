-- Counts the items that a pass would read now: those that are due, and the messages
-- that item_seed_message_reads would make due.
-- $1 source  $2 stream  $3 start of the pass  $4 whether it would seed them first
-- Returns one number. Scans the items of the stream (item_pkey) and the messages of
-- the source that are followed (robot_message_open).
select count(*)
  from (select subject
          from sync.item
         where source = $1 and stream = $2 and (due_at <= $3 or doubt_hash is not null)
        union
        (select process_query_key
           from groupchat.robot_message
          where $4 and source = $1 and closed_at is null
         except
         select subject
           from sync.item
          where source = $1 and stream = $2)) n
