-- The senders of mass messages whose receivers are asked for. Until one has sent the
-- message, all of them are pending: they are read once, and again when it is sent.
-- From then on they are followed as a message that was made at that moment. No time is
-- later than when it was first read.
-- $1 source
-- Returns the columns of items/lacking.sql. Scans the senders of the source that are
-- not closed (group_message_task_open) and looks up their messages.
select t.msg_id || '/' || t.user_id as subject, null::text as params,
       case when t.sent_at is not null then least(t.sent_at, t.fetched_at)
            else least(m.created_at, m.first_seen_at) end as born_at,
       t.is_sent as again
  from groupchat.group_message_task t
  join groupchat.group_message m on m.source = t.source and m.msg_id = t.msg_id
 where t.source = $1 and t.closed_at is null
