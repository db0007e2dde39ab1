-- Marks group sets as gone.
-- $1 source; arrays of equal length, distinct: $2 group_set_id  $3 gone_reason
-- $4 gone_at
-- Changes a row per group set that was not gone. Uses group_set_pkey.
update groupchat.group_set g
   set gone_at = n.at, gone_reason = n.reason
  from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (group_set_id, reason, at)
 where g.source = $1 and g.group_set_id = n.group_set_id and g.gone_at is null
