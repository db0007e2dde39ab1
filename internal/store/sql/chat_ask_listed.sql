-- Tells which chats of list pages are to be looked at before they are written:
-- those that are not known, that are gone, or of which the list has told something
-- else or another pass's scope.
-- $1 source; arrays of equal length: $2 chat ids  $3 hashes of what the pages tell
-- $4 scope of the pass, null for direct reads, which have none  $5 true for all of
-- them
-- Returns for each the place in the arrays, counted from 1, whether it is known,
-- listed_at and gone_at; of a time only that it is there, where somebody made it
-- infinite. Looks each id up in chat_pkey, as chat_ask does.
select n.place, c.source is not null as known,
       case when isfinite(c.listed_at) then c.listed_at when c.listed_at is not null then 'epoch' end,
       case when isfinite(c.gone_at) then c.gone_at when c.gone_at is not null then 'epoch' end
  from unnest($2::text[], $3::bigint[]) with ordinality as n (chat_id, hash, place)
  left join lateral (select *
                       from groupchat.chat c
                      where c.source = $1 and c.chat_id = n.chat_id
                      limit 1) c on true
 where $5 or c.gone_at is not null
    or c.list_hash is distinct from n.hash or c.list_scope is distinct from coalesce($4, c.list_scope)
