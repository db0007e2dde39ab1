-- Notes a finding, or that it was found again.
-- $1 source  $2 stream  $3 kind  $4 subject  $5 pass_id  $6 detail  $7 remedy
-- $8 now
-- Changes one row. Uses finding_pkey.
insert into sync.finding as f (source, stream, kind, subject, pass_id, detail, remedy, first_seen_at, last_seen_at)
values ($1, $2, $3, $4, $5, $6, $7, $8, $8)
on conflict (source, stream, kind, subject) do update
   set times = f.times + 1, last_seen_at = excluded.last_seen_at, pass_id = excluded.pass_id,
       detail = excluded.detail, remedy = excluded.remedy, cleared_at = null
