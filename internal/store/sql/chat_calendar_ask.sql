-- What is stored of the calendars of chats.
-- $1 source  $2 chat ids
-- Returns a row per calendar, gone ones included: chat id, place, hash, whether it is
-- there now, when that was last changed. Uses chat_calendar_pkey; chats that have
-- none are looked up as well.
select k.*
  from unnest($2::text[]) as n (chat_id)
 cross join lateral (select k.chat_id, k.ordinal, k.hash, k.gone_at is null,
                            case when isfinite(greatest(k.listed_at, k.gone_at))
                                 then greatest(k.listed_at, k.gone_at) else 'epoch' end
                       from groupchat.chat_calendar k
                      where k.source = $1 and k.chat_id = n.chat_id
                     offset 0) k
