-- How many mass messages have no known sender yet, and how many senders one of the
-- others has.
-- $1 source
-- Returns two numbers, the latter null where none has. Scans the messages of the
-- source that are not closed (group_message_open) and all known senders.
select (select count(*)
          from groupchat.group_message m
         where m.source = $1 and m.closed_at is null
           and not exists (select from groupchat.group_message_task t
                            where t.source = m.source and t.msg_id = m.msg_id)),
       (select count(*)::float8 / nullif(count(distinct t.msg_id), 0)
          from groupchat.group_message_task t
         where t.source = $1)
