-- Forgets robot messages.
-- $1 source  $2 keys
-- Returns the keys of those that were there. Uses robot_message_pkey.
delete from groupchat.robot_message
 where source = $1 and process_query_key = any ($2::text[])
returning process_query_key
