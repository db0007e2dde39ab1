-- Counts the group sets that a pass should have seen and has not, those aside that
-- are candidates already, and all that it should have seen. What is younger than its
-- bound is beyond its reach.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null
-- Returns missing, known. Scans the group sets of the source, and puts the ids that
-- the pass has seen into one set.
with known as materialized (
    select g.group_set_id
      from groupchat.group_set g
     where g.source = $1 and g.gone_at is null and g.list_scope = $4 and g.first_seen_at < $5
       and ($6::timestamptz is null or g.created_at is null or g.created_at <= $6)
)
select (select count(*)
          from (select group_set_id from known
                except
                select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'group_set'
                except
                select k.subject from sync.candidate k
                 where k.source = $1 and k.stream = $2 and k.record = 'group_set' and not k.held) m) as missing,
       (select count(*) from known) as known
