-- What is stored of the members of chats before their details are written.
-- $1 source  $2 chat ids
-- Returns every spell of these chats, closed ones too. Uses chat_member_pkey.
select chat_id, member_id, joined_at, hash,
       case when isfinite(left_after) then left_after when left_after is not null then 'epoch' end,
       left_before is null as open
  from groupchat.chat_member
 where source = $1 and chat_id = any ($2::text[])
