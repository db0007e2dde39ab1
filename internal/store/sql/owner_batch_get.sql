-- Finds the batch of an owner.
-- $1 source  $2 owner id
-- Returns one row or none. Uses owner_pkey.
select batch_no from groupchat.owner where source = $1 and owner_id = $2
