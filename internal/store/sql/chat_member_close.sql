-- Closes spells of members who have left. Without left_before the spell stays
-- open and only remembers when the member was last seen.
-- $1 source; arrays of equal length, distinct and sorted by key: $2 chat_id
-- $3 member_id  $4 joined_at  $5 left_after or null  $6 left_before or null
-- Changes a row per spell. Uses chat_member_pkey.
update groupchat.chat_member m
   set left_after = n.left_after, left_before = n.left_before
  from unnest($2::text[], $3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[])
       as n (chat_id, member_id, joined_at, left_after, left_before)
 where m.source = $1 and m.chat_id = n.chat_id and m.member_id = n.member_id
   and m.joined_at = n.joined_at and m.left_before is null
