-- Moves items after they were read, or after that failed.
-- $1 source  $2 stream; arrays of equal length, distinct and sorted by subject:
-- $3 subject  $4 fetched_at or null to keep it  $5 due_at  $6 failed_at or null
-- $7 failures  $8 last_error_code or null  $9 doubt_hash or null  $10 doubts
-- Changes a row per subject. Uses item_pkey.
update sync.item i
   set fetched_at = coalesce(n.fetched_at, i.fetched_at), due_at = n.due_at,
       failed_at = n.failed_at, failures = n.failures, last_error_code = n.last_error_code,
       doubt_hash = n.doubt_hash, doubts = n.doubts
  from unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[],
              $7::int[], $8::text[], $9::bigint[], $10::int[])
       as n (subject, fetched_at, due_at, failed_at, failures, last_error_code, doubt_hash, doubts)
 where i.source = $1 and i.stream = $2 and i.subject = n.subject
