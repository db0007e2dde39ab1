-- Counts the owners that a pass should have seen and has not, and all that it
-- should have seen.
-- $1 source  $2 pass_id  $3 scope  $4 start of the pass
-- Returns missing for the first time, known. Scans the owners of the source.
select count(*) filter (where o.unlisted_at is null
                          and not exists (select from sync.page p where p.pass_id = $2 and p.id = o.owner_id)) as missing,
       count(*) as known
  from groupchat.owner o
 where o.source = $1 and o.gone_at is null and o.list_scope = $3 and o.first_seen_at < $4
