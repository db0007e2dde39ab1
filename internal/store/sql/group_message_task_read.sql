-- Notes that the receivers of senders of mass messages were read, and closes those
-- senders of whom nothing is pending any more: whatever became of a message at a
-- receiver stays so. Who has not sent a message that is closed is closed with it:
-- nobody would learn that they have.
-- $1 source; arrays of equal length, distinct: $2 msg_id/user_id, the last slash being
-- the one between them  $3 read at  $4 whether every receiver could be read
-- Returns the subjects that need not be read again by themselves, because they are
-- closed or nothing was sent yet; and how many rows were changed. Uses
-- group_message_task_pkey, group_message_pkey and group_message_result_pkey.
with stood as materialized (
    select $1::text as source, n.subject, n.read_at, t.msg_id, t.user_id, t.is_sent,
           t.results_at is null as first, t.closed_at is null as open,
           case when n.whole and r.pending = 0 and (r.receivers > 0 or t.is_sent) then 'nothing is pending'
                when not t.is_sent then (select case when m.closed_at is not null then 'message closed: ' || m.close_reason end
                                           from groupchat.group_message m
                                          where m.source = $1 and m.msg_id = t.msg_id
                                          limit 1) end as why
      from unnest($2::text[], $3::timestamptz[], $4::bool[]) as n (subject, read_at, whole)
     cross join lateral (select *
                           from groupchat.group_message_task t
                          where t.source = $1 and t.msg_id = substring(n.subject from '^(.*)/')
                            and t.user_id = substring(n.subject from '[^/]*$')
                          limit 1) t
     cross join lateral (select count(*) as receivers, count(*) filter (where coalesce(r.status, 0) = 0) as pending
                           from groupchat.group_message_result r
                          where r.source = $1 and r.msg_id = t.msg_id and r.user_id = t.user_id) r
), moved as (
    update groupchat.group_message_task t
       set results_at = coalesce(t.results_at, s.read_at),
           closed_at = case when s.why is not null then s.read_at end, close_reason = s.why
      from stood s
     where t.source = s.source and t.msg_id = s.msg_id and t.user_id = s.user_id
       and s.open and (s.first or s.why is not null)
    returning 1
)
select coalesce(array_agg(subject) filter (where why is not null or not is_sent), '{}'), (select count(*) from moved)
  from stood
