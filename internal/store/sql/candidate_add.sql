-- Makes candidates of the chats that candidate_missing counts.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass  $6 now
-- $7 held  $8 the stream that confirms
-- Returns their ids. Scans the chats of the source.
insert into sync.candidate as k (source, stream, subject, pass_id, missing_at, held, confirmed_by)
select $1, $2, c.chat_id, $3, $6, $7, $8
  from groupchat.chat c
 where c.source = $1 and c.gone_at is null and c.list_scope = $4 and c.first_seen_at < $5
   and not exists (select from sync.page p where p.pass_id = $3 and p.id = c.chat_id)
   and not exists (select from sync.item i
                    where i.source = $1 and i.stream = $2
                      and i.subject = 'owner/' || c.owner_id and i.failures > 0)
 order by c.chat_id collate "C"
on conflict (source, stream, subject) do update
   set pass_id = excluded.pass_id, held = excluded.held
 where k.held
returning subject
