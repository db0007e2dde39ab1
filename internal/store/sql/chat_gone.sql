-- Marks chats as gone; their values so far go to chat_history: those of the
-- locked row, which a list may have written since this statement began. Without
-- its hash the detail is written again should the chat come back.
-- $1 source; arrays of equal length, distinct: $2 chat_id  $3 gone_reason
-- $4 gone_at
-- Changes a row per chat that was not gone. Uses chat_pkey.
with was as materialized (
    select c.source, c.chat_id, c.known_from, c.name, c.owner_id, c.status, c.notice, c.gone_at,
           n.reason, n.at, greatest(n.at, c.known_from + interval '1 microsecond') as known_until
      from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (chat_id, reason, at)
      join groupchat.chat c on c.source = $1 and c.chat_id = n.chat_id
     where c.gone_at is null
     order by c.chat_id collate "C"
       for no key update of c
),
former as (
    insert into groupchat.chat_history (source, chat_id, known_from, name, owner_id, status,
                                        notice, gone_at, known_until)
    select source, chat_id, known_from, name, owner_id, status, notice, gone_at, known_until
      from was
    on conflict do nothing
)
update groupchat.chat c
   set gone_at = was.at, gone_reason = was.reason, known_from = was.known_until, detail_hash = null
  from was
 where c.source = was.source and c.chat_id = was.chat_id
