-- Takes over what may change of a known source.
-- $1 source  $2 timezone
-- Changes one row, or none when nothing differs. Uses source_pkey.
update sync.source
   set timezone = $2, enabled = true
 where source = $1 and (timezone <> $2 or not enabled)
