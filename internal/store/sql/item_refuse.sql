-- Notes an owner whom the vendor refuses in a filter.
-- $1 source  $2 stream  $3 subject  $4 failed_at  $5 due_at  $6 code
-- Changes one row. Uses item_pkey.
insert into sync.item as i (source, stream, subject, failed_at, due_at, failures, last_error_code, refused)
values ($1, $2, $3, $4, $5, 1, $6, true)
on conflict (source, stream, subject) do update
   set failed_at = excluded.failed_at, due_at = excluded.due_at, failures = i.failures + 1,
       last_error_code = excluded.last_error_code
