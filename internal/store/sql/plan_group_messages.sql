-- Counts the mass messages that are known to have been created within some time.
-- $1 source  $2 chat_type  $3 created at the earliest  $4 and at the latest
-- Returns one number. Scans the messages of the source.
select count(*)
  from groupchat.group_message
 where source = $1 and chat_type = $2 and created_at between $3 and $4
