-- Keeps elements that could not be read; one seen before is counted again.
-- $1 source  $2 stream  $3 pass_id; arrays of equal length, distinct by key:
-- $4 kind  $5 parent  $6 id  $7 raw_hash  $8 raw  $9 reason  $10 seen at
-- Changes a row per element. Uses reject_pkey.
insert into sync.reject as r (source, stream, pass_id, kind, parent, id, raw_hash, raw, reason,
                              first_seen_at, last_seen_at)
select $1, $2, $3, n.kind, n.parent, n.id, n.raw_hash, n.raw, n.reason, n.seen_at, n.seen_at
  from unnest($4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[],
              $10::timestamptz[])
       as n (kind, parent, id, raw_hash, raw, reason, seen_at)
on conflict (source, stream, kind, parent, id, raw_hash) do update
   set times = r.times + 1, last_seen_at = excluded.last_seen_at, pass_id = excluded.pass_id,
       reason = excluded.reason
