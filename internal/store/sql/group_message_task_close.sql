-- Notes of senders of mass messages that their receivers are not asked for any more.
-- $1 source; arrays of equal length, distinct: $2 msg_id/user_id, the last slash being
-- the one between them  $3 closed_at  $4 close_reason
-- Changes a row per sender that was not closed. Looks each one up in
-- group_message_task_pkey, see group_message_close.
update groupchat.group_message_task t
   set closed_at = n.at, close_reason = n.reason
  from (select o.source, o.msg_id, o.user_id, u.at, u.reason
          from unnest($2::text[], $3::timestamptz[], $4::text[]) as u (subject, at, reason)
         cross join lateral (select *
                               from groupchat.group_message_task o
                              where o.source = $1 and o.msg_id = substring(u.subject from '^(.*)/')
                                and o.user_id = substring(u.subject from '[^/]*$')
                              limit 1) o
         where o.closed_at is null
        offset 0) n
 where t.source = n.source and t.msg_id = n.msg_id and t.user_id = n.user_id
