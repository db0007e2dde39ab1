-- Notes how many records a pass missed, and whether they are held back.
-- $1 pass_id  $2 candidates  $3 held
-- Changes one row. Uses pass_pkey.
update sync.pass set candidates = $2, held = $3 where pass_id = $1
