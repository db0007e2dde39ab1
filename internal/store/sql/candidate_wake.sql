-- Wakes chats that lists lack, pass after pass, although they could be read: each
-- once as much time has passed since it was read as there was from when it was first
-- missed until then, at most $6. Those that the pass has seen are no candidates any
-- more, and chats that its filters do not reach are left alone.
-- $1 source  $2 list stream  $3 pass_id  $4 scope  $5 now  $6 longest rest
-- $7 the stream that confirms
-- Changes a row each. Scans the candidates of the stream (candidate_pkey).
with due as materialized (
    select k.subject
      from sync.candidate k
      join groupchat.chat c on c.source = k.source and c.chat_id = k.subject
     where k.source = $1 and k.stream = $2 and k.record = 'chat' and not k.held and k.confirmed_by = $7
       and k.checked_at is not null and c.gone_at is null and c.list_scope = $4
       and $5::timestamptz - k.checked_at >= least(k.checked_at - k.missing_at, $6::interval)
     order by k.subject collate "C"
       for update of k
)
update sync.candidate c
   set checked_at = null, pass_id = $3
  from due
 where c.source = $1 and c.stream = $2 and c.record = 'chat' and c.subject = due.subject
