-- Notes that sources have left the configuration. Their data stays.
-- $1 the sources that are in it
-- Changes a row for each other one.
update sync.source set enabled = false where enabled and source <> all(coalesce($1::text[], '{}'))
