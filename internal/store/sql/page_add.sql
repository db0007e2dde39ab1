-- Notes the ids that a transaction of a list pass has seen.
-- $1 pass_id  $2 ids, repeated ones as well
-- Changes one row.
insert into sync.page (pass_id, ids) values ($1, $2)
