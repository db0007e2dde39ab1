-- Writes tags of chats that are new, back or gone.
-- $1 source; arrays of equal length, distinct and sorted by chat and tag: $2 chat_id
-- $3 tag_name  $4 read at  $5 whether the chat has it
-- Changes a row per tag. Uses chat_tag_pkey.
insert into groupchat.chat_tag as t (source, chat_id, tag_name, first_seen_at, listed_at, gone_at)
select $1, chat_id, tag_name, read_at, read_at, case when not present then read_at end
  from unnest($2::text[], $3::text[], $4::timestamptz[], $5::bool[]) as n (chat_id, tag_name, read_at, present)
on conflict (source, chat_id, tag_name) do update
   set listed_at = case when excluded.gone_at is null then excluded.listed_at else t.listed_at end,
       gone_at = excluded.gone_at
