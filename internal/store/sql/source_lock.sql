-- Lets one transaction at a time hand out batch numbers of a source.
-- $1 source
-- Returns one row, or none for an unknown source. Uses source_pkey.
select source from sync.source where source = $1 for no key update
