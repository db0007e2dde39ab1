-- Drops items: of records that are not there any more, or of owners who were taken in
-- a filter again.
-- $1 source  $2 stream  $3 subjects
-- Changes a row per subject that had one. Uses item_pkey.
delete from sync.item where source = $1 and stream = $2 and subject = any ($3::text[])
