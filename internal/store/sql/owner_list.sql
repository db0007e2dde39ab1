-- Notes owners as listed under a scope.
-- $1 source  $2 owner ids, distinct and sorted  $3 scope
-- Changes a row per owner who was not. Uses owner_pkey.
update groupchat.owner
   set list_scope = $3, unlisted_at = null, gone_at = null
 where source = $1 and owner_id = any ($2::text[])
   and (list_scope is distinct from $3 or unlisted_at is not null or gone_at is not null)
