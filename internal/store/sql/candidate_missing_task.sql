-- Counts the tasks that a pass should have seen and has not, those aside that are
-- candidates already, and all that it should have seen. Tasks of chats that are
-- younger than its bound are beyond its reach, and so are those of a chat that it has
-- seen and could not read.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null
-- Returns missing, known. Scans the tasks of the source, the rejects of the stream
-- and perhaps the chats, and puts the ids that the pass has seen into one set.
with known as materialized (
    select t.task_id
      from groupchat.sop_task t
     where t.source = $1 and t.gone_at is null and t.list_scope = $4 and t.first_seen_at < $5
       and not exists (select from groupchat.chat c
                        where c.source = $1 and c.chat_id = t.chat_id and c.created_at > $6)
       and not exists (select from sync.reject r
                        where r.source = $1 and r.stream = $2 and r.kind = 'chat' and r.id = t.chat_id
                          and r.pass_id = $3)
)
select (select count(*)
          from (select task_id from known
                except
                select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'task'
                except
                select k.subject from sync.candidate k
                 where k.source = $1 and k.stream = $2 and k.record = 'task' and not k.held) m) as missing,
       (select count(*) from known) as known
