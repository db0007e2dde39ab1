-- Marks owners that a complete pass has not seen: unlisted the first time, gone
-- the second.
-- $1 source  $2 ids  $3 start of the pass  $4 now
-- Changes a row per owner. Uses owner_pkey.
update groupchat.owner o
   set unlisted_at = coalesce(o.unlisted_at, $4),
       gone_at = case when o.unlisted_at < $3 then $4 end
 where o.source = $1 and o.owner_id = any ($2::text[])
