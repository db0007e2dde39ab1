-- What is stored of owners' days before a page of figures is written.
-- $1 source  $2 owner ids, distinct  $3 oldest day  $4 newest day
-- Returns a row per known owner and day. Uses owner_stat_pkey, once for each owner:
-- with "= any" the planner may read the days of everybody.
select s.owner_id, s.day, s.hash, s.fetched_at
  from unnest($2::text[]) as n (owner_id)
 cross join lateral (select o.owner_id, o.day, o.hash, o.fetched_at
                       from groupchat.owner_stat o
                      where o.source = $1 and o.owner_id = n.owner_id and o.day between $3 and $4
                     offset 0) as s
