-- Lists the candidate tasks of an earlier pass of the same scope that this one has
-- not seen either. One whose chat it has seen and could not read is not among them.
-- $1 source  $2 stream  $3 record  $4 pass_id  $5 start of the pass  $6 scope
-- Returns their ids. Scans the candidates and rejects of the stream, looks up the
-- tasks of these by sop_task_chat, and reads what the pass has seen where there are
-- any candidates.
select k.subject
  from sync.candidate k
  join sync.pass p on p.pass_id = k.pass_id and p.scope = $6
 where k.source = $1 and k.stream = $2 and k.record = $3
   and not k.held and k.pass_id < $4 and k.missing_at <= $5
except
select t.task_id
  from sync.reject r
 cross join lateral (select t.task_id from groupchat.sop_task t
                      where t.source = $1 and t.chat_id = r.id offset 0) t
 where r.source = $1 and r.stream = $2 and r.kind = 'chat' and r.pass_id = $4
except
select unnest(p.ids)
  from sync.page p
 where p.pass_id = $4 and p.record = $3
   and exists (select from sync.candidate k where k.source = $1 and k.stream = $2 and k.record = $3)
