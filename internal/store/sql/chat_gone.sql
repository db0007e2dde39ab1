-- Marks chats as gone; their values so far go to chat_history. Without its hash
-- the detail is written again should the chat come back.
-- $1 source; arrays of equal length, distinct and sorted: $2 chat_id
-- $3 gone_reason  $4 gone_at
-- Changes a row per chat that was not gone. Uses chat_pkey.
with n as (
    select * from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (chat_id, reason, at)
),
former as (
    insert into groupchat.chat_history (source, chat_id, known_from, name, owner_id, status,
                                        notice, gone_at, known_until)
    select c.source, c.chat_id, c.known_from, c.name, c.owner_id, c.status,
           c.notice, c.gone_at, n.at
      from n
      join groupchat.chat c on c.source = $1 and c.chat_id = n.chat_id
     where c.gone_at is null
    on conflict do nothing
)
update groupchat.chat c
   set gone_at = n.at, gone_reason = n.reason, known_from = n.at, detail_hash = null
  from n
 where c.source = $1 and c.chat_id = n.chat_id and c.gone_at is null
