-- Lets paused sources be tried again at once.
-- $1 sources  $2 now
-- Changes a row per source that is paused. Uses source_health_pkey.
update sync.source_health
   set probe_at = $2
 where source = any($1) and paused_at is not null and probe_at > $2
