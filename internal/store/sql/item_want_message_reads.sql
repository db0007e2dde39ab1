-- The robot messages whose readers are followed.
-- $1 source
-- Returns the columns of items/lacking.sql. Scans the messages of the source that are
-- followed (robot_message_open).
select m.process_query_key as subject,
       '{"chat":' || to_json(m.open_conversation_id) || ',"robot":' || to_json(m.robot_code) || '}' as params,
       m.sent_at as born_at, false as again
  from groupchat.robot_message m
 where m.source = $1 and m.closed_at is null
