-- Writes mass messages that are new or differ.
-- $1 source; arrays of equal length, distinct and sorted by id, null where the answer
-- does not tell: $2 msg_id  $3 chat_type  $4 creator_id  $5 create_type  $6 created_at
-- $7 content  $8 attachments  $9 extra  $10 read at  $11 hash
-- Changes a row per message. Uses group_message_pkey.
insert into groupchat.group_message as m (source, msg_id, chat_type, creator_id, create_type, created_at, content,
                                          attachments, extra, first_seen_at, listed_at, hash)
select $1, msg_id, chat_type, creator_id, create_type, created_at, content,
       attachments::jsonb, extra::jsonb, read_at, read_at, hash
  from unnest($2::text[], $3::text[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[], $8::text[],
              $9::text[], $10::timestamptz[], $11::bigint[])
       as n (msg_id, chat_type, creator_id, create_type, created_at, content, attachments, extra, read_at, hash)
on conflict (source, msg_id) do update
   set chat_type = excluded.chat_type, creator_id = excluded.creator_id, create_type = excluded.create_type,
       created_at = excluded.created_at, content = excluded.content, attachments = excluded.attachments,
       extra = excluded.extra, listed_at = excluded.listed_at, hash = excluded.hash
