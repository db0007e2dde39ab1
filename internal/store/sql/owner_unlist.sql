-- Marks the owners that a complete pass has not seen: unlisted the first time,
-- gone the second.
-- $1 source  $2 pass_id  $3 scope  $4 start of the pass  $5 now
-- Changes a row per owner. Scans the owners of the source.
update groupchat.owner o
   set unlisted_at = coalesce(o.unlisted_at, $5),
       gone_at = case when o.unlisted_at < $4 then $5 end
 where o.source = $1 and o.gone_at is null and o.list_scope = $3 and o.first_seen_at < $4
   and not exists (select from sync.page p where p.pass_id = $2 and p.id = o.owner_id)
