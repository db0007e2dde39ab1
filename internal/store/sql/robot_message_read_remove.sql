-- Forgets the readers of robot messages.
-- $1 source  $2 keys
-- Changes a row per reader. Uses robot_message_read_pkey.
delete from groupchat.robot_message_read
 where source = $1 and process_query_key = any ($2::text[])
