-- Ends the pauses of sources that do not answer. How often they have failed in a
-- row stays: where they fail again, the next pause is longer.
-- $1 now
-- Changes a row per source that is left alone. Scans source_health.
update sync.source_health set resume_at = null where resume_at > $1
