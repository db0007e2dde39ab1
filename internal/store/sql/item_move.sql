-- Moves items after they were read, or after that failed.
-- $1 source  $2 stream; arrays of equal length, distinct and sorted by subject:
-- $3 subject  $4 fetched_at or null to keep it  $5 due_at  $6 failed_at or null
-- $7 failures  $8 last_error_code or null  $9 doubt_hash or null  $10 doubts  $11 refused
-- Changes a row per subject. Uses item_pkey: an upsert finds each row by its key,
-- where an update is free to read all items of the stream.
insert into sync.item as i (source, stream, subject, fetched_at, due_at, failed_at, failures,
                            last_error_code, doubt_hash, doubts, refused)
select $1, $2, subject, fetched_at, due_at, failed_at, failures, last_error_code, doubt_hash, doubts,
       refused
  from unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
              $7::int[], $8::text[], $9::bigint[], $10::int[], $11::bool[])
       as n (subject, fetched_at, due_at, failed_at, failures, last_error_code, doubt_hash, doubts,
             refused)
on conflict (source, stream, subject) do update
   set fetched_at = coalesce(excluded.fetched_at, i.fetched_at), due_at = excluded.due_at,
       failed_at = excluded.failed_at, failures = excluded.failures,
       last_error_code = excluded.last_error_code, doubt_hash = excluded.doubt_hash,
       doubts = excluded.doubts, refused = excluded.refused
