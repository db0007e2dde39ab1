-- What is stored of owners' days before a page of figures is written.
-- $1 source  $2 owner ids  $3 oldest day  $4 newest day
-- Returns a row per known owner and day. Uses owner_stat_pkey.
select owner_id, day, hash, fetched_at
  from groupchat.owner_stat
 where source = $1 and owner_id = any ($2::text[]) and day between $3 and $4
