-- Notes of mass messages that their senders are not asked for any more.
-- $1 source; arrays of equal length, distinct: $2 msg_id  $3 closed_at  $4 close_reason
-- Changes a row per message that was not closed. Looks each one up in
-- group_message_pkey: with a condition of their own the planner may take the rows for
-- few, and read all that meet it.
update groupchat.group_message m
   set closed_at = n.at, close_reason = n.reason
  from (select o.source, o.msg_id, u.at, u.reason
          from unnest($2::text[], $3::timestamptz[], $4::text[]) as u (msg_id, at, reason)
         cross join lateral (select *
                               from groupchat.group_message o
                              where o.source = $1 and o.msg_id = u.msg_id
                              limit 1) o
         where o.closed_at is null
        offset 0) n
 where m.source = n.source and m.msg_id = n.msg_id
