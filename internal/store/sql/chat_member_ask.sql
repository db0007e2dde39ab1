-- What is stored of the members of chats before their details are written.
-- $1 source  $2 chat ids
-- Returns every spell of these chats, closed ones too. Looks each chat up in
-- chat_member_pkey, which offset 0 sees to, as the limit of chat_ask does.
select m.chat_id, m.member_id, m.joined_at, m.hash,
       case when isfinite(m.left_after) then m.left_after when m.left_after is not null then 'epoch' end,
       m.left_before is null as open
  from unnest($2::text[]) as n (chat_id)
 cross join lateral (select *
                       from groupchat.chat_member m
                      where m.source = $1 and m.chat_id = n.chat_id
                     offset 0) m
