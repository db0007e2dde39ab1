-- What is stored of owners.
-- $1 source  $2 owner ids
-- Returns a row per known owner. Uses owner_pkey.
select owner_id, name
  from groupchat.owner
 where source = $1 and owner_id = any ($2::text[])
