-- Writes receivers of mass messages that are new or differ.
-- $1 source; arrays of equal length, distinct and sorted by key, null where the answer
-- does not tell: $2 msg_id  $3 user_id  $4 chat_id  $5 external_user_id  $6 status
-- $7 sent_at  $8 extra  $9 read at  $10 hash
-- Changes a row per receiver. Uses group_message_result_pkey.
insert into groupchat.group_message_result as r (source, msg_id, user_id, chat_id, external_user_id, status, sent_at,
                                                 extra, first_seen_at, fetched_at, hash)
select $1, msg_id, user_id, chat_id, external_user_id, status, sent_at, extra::jsonb, read_at, read_at, hash
  from unnest($2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[], $7::timestamptz[], $8::text[],
              $9::timestamptz[], $10::bigint[])
       as n (msg_id, user_id, chat_id, external_user_id, status, sent_at, extra, read_at, hash)
on conflict (source, msg_id, user_id, chat_id, external_user_id) do update
   set status = excluded.status, sent_at = excluded.sent_at, extra = excluded.extra,
       fetched_at = excluded.fetched_at, hash = excluded.hash
