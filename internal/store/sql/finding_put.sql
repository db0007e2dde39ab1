-- Notes findings of a verify, or that they still stand.
-- $1 source  $2 now; arrays of equal length, distinct by the first three and sorted
-- by them: $3 stream  $4 kind  $5 subject  $6 detail  $7 remedy
-- Changes a row each. Uses finding_pkey.
insert into sync.finding as f (source, stream, kind, subject, detail, remedy, first_seen_at, last_seen_at)
select $1, n.stream, n.kind, n.subject, n.detail, n.remedy, $2, $2
  from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::text[])
       as n (stream, kind, subject, detail, remedy)
on conflict (source, stream, kind, subject) do update
   set times = f.times + 1, last_seen_at = excluded.last_seen_at, detail = excluded.detail,
       remedy = excluded.remedy, cleared_at = null
