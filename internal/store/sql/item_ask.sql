-- What is known of items before they are moved.
-- $1 source  $2 stream  $3 subjects
-- Returns a row per known subject. Looks each one up in item_pkey, as chat_ask
-- does.
select i.subject, case when isfinite(i.fetched_at) then i.fetched_at end,
       case when isfinite(i.due_at) then i.due_at else 'epoch' end, i.failures, i.doubt_hash, i.doubts
  from unnest($3::text[]) as n (subject)
 cross join lateral (select *
                       from sync.item i
                      where i.source = $1 and i.stream = $2 and i.subject = n.subject
                      limit 1) i
