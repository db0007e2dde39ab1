-- What is stored of chats before their details are written.
-- $1 source  $2 chat ids
-- Returns a row per known chat: the id, the hash of its detail, whether that was
-- ever written. Looks each id up in chat_pkey: the limit keeps the planner, who
-- knows a new table badly, from reading all chats of the source.
select c.chat_id, c.detail_hash, c.detail_at is not null as detailed
  from unnest($2::text[]) as n (chat_id)
 cross join lateral (select *
                       from groupchat.chat c
                      where c.source = $1 and c.chat_id = n.chat_id
                      limit 1) c
