-- Makes candidates of the chats that a pass should have seen and has not.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null  $7 now  $8 held
-- $9 the stream that confirms, or empty
-- Returns the ids of those that are new, or were held. Scans as candidate_missing
-- does.
insert into sync.candidate as k (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
select $1, $2, 'chat', n.chat_id, $3, $7, $8, $9
  from (select c.chat_id
          from groupchat.chat c
         where c.source = $1 and c.gone_at is null and c.list_scope = $4 and c.first_seen_at < $5
           and ($6::timestamptz is null or c.created_at is null or c.created_at <= $6)
           and not exists (select from sync.item i
                            where i.source = $1 and i.stream = $2
                              and i.subject = 'owner/' || c.owner_id and i.failures > 0)
        except
        select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'chat'
        except -- those that direct reads may be confirming now: a conflict would wait for them
        select k.subject from sync.candidate k
         where k.source = $1 and k.stream = $2 and k.record = 'chat' and not k.held) n
 order by n.chat_id collate "C"
on conflict (source, stream, record, subject) do update
   set pass_id = excluded.pass_id, held = excluded.held
 where k.held
returning subject
