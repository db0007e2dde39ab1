-- Makes candidates of the tasks that a pass should have seen and has not.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null  $7 now  $8 held
-- $9 the stream that confirms, or empty
-- Returns the ids of those that are new, or were held. Scans as
-- candidate_missing_task does.
insert into sync.candidate as k (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
select $1, $2, 'task', n.task_id, $3, $7, $8, $9
  from (select t.task_id
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
        except
        select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'task'
        except
        select k.subject from sync.candidate k
         where k.source = $1 and k.stream = $2 and k.record = 'task' and not k.held) n
 order by n.task_id collate "C"
on conflict (source, stream, record, subject) do update
   set pass_id = excluded.pass_id, held = excluded.held
 where k.held
returning subject
