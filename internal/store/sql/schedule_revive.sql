-- Ends the pauses of sources that do not answer. How often they have failed in a
-- row stays: where they fail again, the next pause is longer.
-- What somebody is noting just now is left alone, so that nobody waits for another.
-- $1 now
-- Changes a row per source that is left alone. Scans source_health.
with held as (select source from sync.source_health where resume_at > $1 for update skip locked)
update sync.source_health h
   set resume_at = null
  from held
 where h.source = held.source
