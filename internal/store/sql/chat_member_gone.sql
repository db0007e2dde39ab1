-- Closes the open spells of chats that are gone.
-- $1 source; arrays of equal length, distinct: $2 chat_id
-- $3 left_after or null  $4 left_before
-- Changes a row per open spell. Uses chat_member_pkey.
update groupchat.chat_member m
   set left_after = coalesce(m.left_after, n.left_after), left_before = n.left_before
  from unnest($2::text[], $3::timestamptz[], $4::timestamptz[]) as n (chat_id, left_after, left_before)
 where m.source = $1 and m.chat_id = n.chat_id and m.left_before is null
