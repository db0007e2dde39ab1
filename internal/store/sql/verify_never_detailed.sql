-- Lists chats that were listed and whose detail was never read.
-- $1 source  $2 now
-- Returns chat_id, the code of the latest failure, '' where there was none, and
-- whether the next try is still to come.
-- Scans the chats of the source; uses item_pkey.
select c.chat_id, coalesce(i.last_error_code, ''), coalesce(i.due_at > $2, false)
  from groupchat.chat c
  left join sync.item i on i.source = c.source and i.stream = 'members' and i.subject = c.chat_id
 where c.source = $1 and c.gone_at is null and c.listed_at is not null and c.detail_at is null
 order by c.chat_id
