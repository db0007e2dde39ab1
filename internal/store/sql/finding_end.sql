-- Notes that a finding stands no more.
-- $1 source  $2 stream  $3 kind  $4 subject  $5 now
-- Changes one row, or none where it does not stand. Uses finding_pkey.
update sync.finding
   set cleared_at = $5
 where source = $1 and stream = $2 and kind = $3 and subject = $4 and cleared_at is null
