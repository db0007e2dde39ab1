-- Makes candidates of the group sets that a pass should have seen and has not.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null  $7 now  $8 held
-- $9 the stream that confirms, or empty
-- Returns the ids of those that are new, or were held. Scans as
-- candidate_missing_group_set does.
insert into sync.candidate as k (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
select $1, $2, 'group_set', n.group_set_id, $3, $7, $8, $9
  from (select g.group_set_id
          from groupchat.group_set g
         where g.source = $1 and g.gone_at is null and g.list_scope = $4 and g.first_seen_at < $5
           and ($6::timestamptz is null or g.created_at is null or g.created_at <= $6)
        except
        select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'group_set'
        except
        select k.subject from sync.candidate k
         where k.source = $1 and k.stream = $2 and k.record = 'group_set' and not k.held) n
 order by n.group_set_id collate "C"
on conflict (source, stream, record, subject) do update
   set pass_id = excluded.pass_id, held = excluded.held
 where k.held
returning subject
