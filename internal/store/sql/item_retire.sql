-- Forgets the trouble of owners who are asked for no more.
-- $1 source  $2 stream  $3 owners gone before this are left out
-- Changes a row per owner who had trouble. Scans the items of the stream (item_pkey),
-- and uses owner_pkey.
delete from sync.item i
 using groupchat.owner o
 where i.source = $1 and i.stream = $2 and o.source = $1 and o.owner_id = substr(i.subject, length('owner/') + 1)
   and o.gone_at <= $3
