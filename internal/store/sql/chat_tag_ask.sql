-- What is stored of the tags of chats.
-- $1 source  $2 chat ids
-- Returns a row per tag, gone ones included: chat id, name, hash (0), whether it is
-- there now, when that was last changed. Uses chat_tag_pkey; chats that have none are
-- looked up as well.
select t.*
  from unnest($2::text[]) as n (chat_id)
 cross join lateral (select t.chat_id, t.tag_name, 0::bigint, t.gone_at is null,
                            case when isfinite(greatest(t.listed_at, t.gone_at))
                                 then greatest(t.listed_at, t.gone_at) else 'epoch' end
                       from groupchat.chat_tag t
                      where t.source = $1 and t.chat_id = n.chat_id
                     offset 0) t
