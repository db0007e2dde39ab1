-- Counts the tasks that a pass should have seen and has not, those aside that are
-- candidates already, and all that it should have seen. Tasks of chats that are
-- younger than its bound are beyond its reach, and so are those of a chat that it has
-- seen and could not read.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null
-- Returns missing, known. Scans the tasks and chats of the source and the rejects of
-- the stream, each once, and looks tasks up by their chat: an anti join would be free
-- to scan the rejects for every task.
with known as materialized (
    select t.task_id
      from groupchat.sop_task t
     where t.source = $1 and t.gone_at is null and t.list_scope = $4 and t.first_seen_at < $5
    except
    select t.task_id
      from groupchat.chat c
     cross join lateral (select t.task_id from groupchat.sop_task t
                          where t.source = $1 and t.chat_id = c.chat_id offset 0) t
     where c.source = $1 and c.created_at > $6
    except
    select t.task_id
      from sync.reject r
     cross join lateral (select t.task_id from groupchat.sop_task t
                          where t.source = $1 and t.chat_id = r.id offset 0) t
     where r.source = $1 and r.stream = $2 and r.kind = 'chat' and r.pass_id = $3
)
select (select count(*)
          from (select task_id from known
                except
                select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'task'
                except
                select k.subject from sync.candidate k
                 where k.source = $1 and k.stream = $2 and k.record = 'task' and not k.held) m) as missing,
       (select count(*) from known) as known
