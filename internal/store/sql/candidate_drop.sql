-- Forgets candidates: confirmed, or read after all.
-- $1 source  $2 list stream  $3 ids
-- Changes a row per id. Uses candidate_pkey.
delete from sync.candidate where source = $1 and stream = $2 and subject = any ($3::text[])
