-- Tells which records are candidates that may be confirmed.
-- $1 source  $2 list stream  $3 ids
-- Returns a row per candidate that is not held. Uses candidate_pkey.
select subject
  from sync.candidate
 where source = $1 and stream = $2 and subject = any ($3::text[]) and not held
