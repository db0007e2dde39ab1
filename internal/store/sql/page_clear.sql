-- Forgets the ids of a pass.
-- $1 pass_id
-- Changes any number of rows. Uses page_pkey.
delete from sync.page where pass_id = $1
