-- Gives owners the name that was read last.
-- $1 source  $2 owner ids, distinct and sorted  $3 names
-- Changes a row per owner whose name differs. Uses owner_pkey.
update groupchat.owner o
   set name = n.name
  from unnest($2::text[], $3::text[]) as n (owner_id, name)
 where o.source = $1 and o.owner_id = n.owner_id and o.name is distinct from n.name
