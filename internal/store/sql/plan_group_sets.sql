-- Counts the group sets that are known and not gone.
-- $1 source
-- Returns a row per relation ('' where it is not known): relation, sets. Scans the
-- group sets of the source.
select coalesce(relation_type, ''), count(*)
  from groupchat.group_set
 where source = $1 and gone_at is null
 group by 1
