-- Finds the owners that a pass should have seen and has not.
-- $1 source  $2 pass_id  $3 scope  $4 start of the pass
-- Returns how many are missing for the first time, how many it should have seen,
-- and the ids of all that are missing. Scans the owners of the source.
with known as materialized (
    select o.owner_id, o.unlisted_at
      from groupchat.owner o
     where o.source = $1 and o.gone_at is null and o.list_scope = $3 and o.first_seen_at < $4
),
missing as materialized (
    select owner_id from known
    except
    select unnest(p.ids) from sync.page p where p.pass_id = $2 and p.record = 'owner'
)
select (select count(*)
          from (select owner_id from missing
                except
                select owner_id from known where unlisted_at is not null) m) as missing,
       (select count(*) from known) as known,
       coalesce((select array_agg(owner_id) from missing), '{}') as ids
