-- Tells how many robot messages have come lately, and how many calls it takes to read
-- who has read one.
-- $1 source  $2 since  $3 readers of a page
-- Returns one row: messages that were sent since then, the oldest of all, or null, and
-- the mean pages of a message that has readers (1 without one). Scans the messages of
-- the source and their readers.
select count(*) filter (where m.sent_at >= $2), min(m.sent_at),
       coalesce(avg(ceil(r.readers::float8 / $3)) filter (where r.readers > 0), 1)
  from groupchat.robot_message m
  left join (select process_query_key, count(*) as readers
               from groupchat.robot_message_read
              where source = $1
              group by 1) r using (process_query_key)
 where m.source = $1
