-- Closes the senders of closed mass messages that have not sent them, as far as their
-- receivers were ever read: nobody would learn that they have.
-- $1 source; arrays of equal length, distinct: $2 msg_id  $3 closed_at  $4 close_reason
-- Changes a row per sender. Looks each message up in group_message_task_pkey, see
-- group_message_close.
update groupchat.group_message_task t
   set closed_at = n.at, close_reason = 'message closed: ' || n.reason
  from (select o.source, o.msg_id, o.user_id, u.at, u.reason
          from unnest($2::text[], $3::timestamptz[], $4::text[]) as u (msg_id, at, reason)
         cross join lateral (select *
                               from groupchat.group_message_task o
                              where o.source = $1 and o.msg_id = u.msg_id
                             offset 0) o
         where o.closed_at is null and not o.is_sent and o.results_at is not null
        offset 0) n
 where t.source = n.source and t.msg_id = n.msg_id and t.user_id = n.user_id
