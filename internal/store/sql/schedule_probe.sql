-- Claims the next try of paused sources.
-- $1 sources  $2 now  $3 when to try again
-- Returns the sources whose try is claimed. Uses source_health_pkey.
update sync.source_health
   set probe_at = $3
 where source = any($1) and paused_at is not null and probe_at <= $2
returning source
