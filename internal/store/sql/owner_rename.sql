-- Gives owners the name and the department that were read last.
-- $1 source; arrays of equal length: $2 owner ids, distinct and sorted  $3 names and
-- $4 departments, null to keep them
-- Changes a row per owner of whom something differs. Uses owner_pkey.
update groupchat.owner o
   set name = coalesce(n.name, o.name), department_name = coalesce(n.department, o.department_name)
  from unnest($2::text[], $3::text[], $4::text[]) as n (owner_id, name, department)
 where o.source = $1 and o.owner_id = n.owner_id
   and (o.name is distinct from coalesce(n.name, o.name)
        or o.department_name is distinct from coalesce(n.department, o.department_name))
