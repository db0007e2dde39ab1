-- What is stored of owners.
-- $1 source  $2 owner ids
-- Returns a row per known owner. Looks each id up in owner_pkey, as chat_ask does.
select o.*
  from unnest($2::text[]) as n (owner_id)
 cross join lateral (select o.owner_id, o.name, o.department_name
                       from groupchat.owner o
                      where o.source = $1 and o.owner_id = n.owner_id
                      limit 1) o
