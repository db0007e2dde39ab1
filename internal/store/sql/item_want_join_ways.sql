-- The join ways that somebody wants to be read beside those of the configuration.
-- $1 source
-- Returns the columns of items/lacking.sql. Scans those of the source
-- (join_way_wanted_pkey).
select w.config_id as subject, null::text as params, null::timestamptz as born_at, false as again
  from groupchat.join_way_wanted w
 where w.source = $1
