-- Drops the open chains of a stream.
-- $1 source  $2 stream
-- Changes any number of rows. Uses checkpoint_pkey.
delete from sync.checkpoint where source = $1 and stream = $2
