-- What is stored of chats before a page of them is written.
-- $1 source  $2 chat ids
-- Returns a row per known chat; of a time only that it is there, where somebody
-- made it infinite. Looks each id up in chat_pkey: the limit keeps the planner,
-- who knows a new table badly, from reading all chats of the source.
select c.chat_id, c.list_hash, c.detail_hash,
       case when isfinite(c.listed_at) then c.listed_at when c.listed_at is not null then 'epoch' end,
       case when isfinite(c.detail_at) then c.detail_at when c.detail_at is not null then 'epoch' end,
       c.list_scope,
       case when isfinite(c.gone_at) then c.gone_at when c.gone_at is not null then 'epoch' end
  from unnest($2::text[]) as n (chat_id)
 cross join lateral (select *
                       from groupchat.chat c
                      where c.source = $1 and c.chat_id = n.chat_id
                      limit 1) c
