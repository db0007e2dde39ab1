-- Closes mass messages that every sender has sent: nothing about them changes any
-- more.
-- $1 source; arrays of equal length, distinct: $2 msg_id  $3 read at, of messages all
-- of whose senders could be read
-- Changes a row per message that is closed by it. Looks each one up in
-- group_message_pkey, see group_message_close, and in group_message_task_pkey.
update groupchat.group_message m
   set closed_at = n.read_at, close_reason = 'every sender has sent it'
  from (select o.source, o.msg_id, u.read_at
          from unnest($2::text[], $3::timestamptz[]) as u (msg_id, read_at)
         cross join lateral (select *
                               from groupchat.group_message o
                              where o.source = $1 and o.msg_id = u.msg_id
                              limit 1) o
         where o.closed_at is null
           and (select bool_and(t.is_sent)
                  from groupchat.group_message_task t
                 where t.source = $1 and t.msg_id = u.msg_id)
        offset 0) n
 where m.source = n.source and m.msg_id = n.msg_id
