-- Counts the items that a pass would read now. Goes on from lacking.sql.
-- $5 start of the pass  $6 whether it would seed them first
-- Returns one number.
select count(*)
  from ((select subject
           from sync.item
          where source = $1 and stream = $2 and (due_at <= $5 or doubt_hash is not null)
         except
         select subject from surplus where $6::bool)
        union
        select subject from lacking where $6) n
