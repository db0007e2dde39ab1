-- Notes the ids that a transaction of a list pass has seen in one chain.
-- $1 pass_id  $2 subject  $3 record  $4 ids, repeated ones as well
-- $5 least and $6 greatest total that the vendor gave with them, or null
-- Changes one row.
insert into sync.page (pass_id, subject, record, ids, total_low, total_high)
values ($1, $2, $3, $4, $5, $6)
