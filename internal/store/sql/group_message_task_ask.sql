-- Tells which senders of mass messages are to be written.
-- $1 source; arrays of equal length: $2 msg_id  $3 user_id  $4 hash  $5 true for all
-- Returns the same as group_message_ask, by way of group_message_task_pkey.
select n.place, case when isfinite(t.fetched_at) then t.fetched_at when t.fetched_at is not null then 'epoch' end
  from unnest($2::text[], $3::text[], $4::bigint[]) with ordinality as n (msg_id, user_id, hash, place)
  left join lateral (select *
                       from groupchat.group_message_task t
                      where t.source = $1 and t.msg_id = n.msg_id and t.user_id = n.user_id
                      limit 1) t on true
 where $5 or t.hash is distinct from n.hash
