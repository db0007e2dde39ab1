-- Whom known sources stand for.
-- $1 sources
-- Returns source, vendor and account of each that is known. Uses source_pkey.
select source, vendor, account from sync.source where source = any ($1::text[])
