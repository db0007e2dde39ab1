-- Closes a chain, unless another worker moved it first.
-- $1 source  $2 stream  $3 subject  $4 version read
-- Changes one row, or none when $4 is stale. Uses checkpoint_pkey.
delete from sync.checkpoint
 where source = $1 and stream = $2 and subject = $3 and version = $4
