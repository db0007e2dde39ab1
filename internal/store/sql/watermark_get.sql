-- Tells the watermarks of a stream that hold under a scope.
-- $1 source  $2 stream  $3 scope
-- Returns lane, watermark. Uses watermark_pkey.
select lane, watermark
  from sync.watermark
 where source = $1 and stream = $2 and scope = $3 and isfinite(watermark)
