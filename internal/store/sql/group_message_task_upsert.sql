-- Writes senders of mass messages that are new or differ.
-- $1 source; arrays of equal length, distinct and sorted by key, null where the answer
-- does not tell: $2 msg_id  $3 user_id  $4 status  $5 sent_at  $6 extra  $7 read at
-- $8 hash
-- Changes a row per sender. Uses group_message_task_pkey.
insert into groupchat.group_message_task as t (source, msg_id, user_id, status, sent_at, extra,
                                               first_seen_at, fetched_at, hash)
select $1, msg_id, user_id, status, sent_at, extra::jsonb, read_at, read_at, hash
  from unnest($2::text[], $3::text[], $4::bigint[], $5::timestamptz[], $6::text[], $7::timestamptz[], $8::bigint[])
       as n (msg_id, user_id, status, sent_at, extra, read_at, hash)
on conflict (source, msg_id, user_id) do update
   set status = excluded.status, sent_at = excluded.sent_at, extra = excluded.extra,
       fetched_at = excluded.fetched_at, hash = excluded.hash
