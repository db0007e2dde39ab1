-- Lists robot messages with how they are followed.
-- $1 source  $2 stream that asks for readers  $3 true for those as well that are not
-- followed any more
-- Returns them, the youngest first. Scans the messages of the source, or those that
-- are followed (robot_message_open).
select m.process_query_key, m.open_conversation_id, m.robot_code, m.sent_at, coalesce(m.send_status, ''),
       (select count(*)
          from groupchat.robot_message_read r
         where r.source = m.source and r.process_query_key = m.process_query_key),
       case when isfinite(i.fetched_at) then i.fetched_at end,
       case when isfinite(i.due_at) and m.closed_at is null then i.due_at end,
       coalesce(i.last_error_code, ''),
       case when isfinite(m.closed_at) then m.closed_at when m.closed_at is not null then 'epoch' end,
       coalesce(m.close_reason, '')
  from groupchat.robot_message m
  left join sync.item i on i.source = m.source and i.stream = $2 and i.subject = m.process_query_key
 where m.source = $1 and ($3 or m.closed_at is null)
 order by m.sent_at desc, m.process_query_key
