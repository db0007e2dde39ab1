-- Notes which findings of a verify stand no more: those of its rules that it has
-- not found again.
-- $1 source  $2 now  $3 rules that were looked at; what was found, arrays of equal
-- length: $4 stream  $5 kind  $6 subject
-- Changes a row each. Scans the findings of the source (finding_pkey).
update sync.finding f
   set cleared_at = $2
 where f.source = $1 and f.kind = any ($3::text[]) and f.cleared_at is null
   and not exists (select from unnest($4::text[], $5::text[], $6::text[]) as n (stream, kind, subject)
                    where n.stream = f.stream and n.kind = f.kind and n.subject = f.subject)
