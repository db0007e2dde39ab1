-- Moves a checkpoint, unless another worker moved it first.
-- $1 source  $2 stream  $3 subject  $4 version read  $5 new version  $6 cursor
-- $7 pages  $8 restarts  $9 params as sent  $10 now  $11 watermark or null
-- $12 created_after or null  $13 resumes  $14 unordered
-- Changes one row, or none when $4 is stale. Uses checkpoint_pkey.
update sync.checkpoint
   set cursor = $6, version = $5, pages = $7, restarts = $8, updated_at = $10,
       params = case when params_raw = $9 then params else $9::jsonb end, params_raw = $9,
       watermark = $11, created_after = $12, resumes = $13, unordered = $14
 where source = $1 and stream = $2 and subject = $3 and version = $4
