-- Tells which records are candidates that may be confirmed.
-- $1 source  $2 list stream  $3 record  $4 ids
-- Returns a row per candidate that is not held. Looks each id up in
-- candidate_pkey, as chat_ask does.
select k.subject
  from unnest($4::text[]) as n (subject)
 cross join lateral (select k.subject, k.held
                       from sync.candidate k
                      where k.source = $1 and k.stream = $2 and k.record = $3 and k.subject = n.subject
                      limit 1) k
 where not k.held
