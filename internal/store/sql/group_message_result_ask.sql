-- Tells which receivers of mass messages are to be written.
-- $1 source; arrays of equal length: $2 msg_id  $3 user_id  $4 chat_id
-- $5 external_user_id  $6 hash  $7 true for all of them
-- Returns the same as group_message_ask, by way of group_message_result_pkey.
select n.place, case when isfinite(r.fetched_at) then r.fetched_at when r.fetched_at is not null then 'epoch' end
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[]) with ordinality
       as n (msg_id, user_id, chat_id, external_user_id, hash, place)
  left join lateral (select *
                       from groupchat.group_message_result r
                      where r.source = $1 and r.msg_id = n.msg_id and r.user_id = n.user_id
                        and r.chat_id = n.chat_id and r.external_user_id = n.external_user_id
                      limit 1) r on true
 where $7 or r.hash is distinct from n.hash
