-- Writes calendars of chats that are new, differ, are back or gone.
-- $1 source; arrays of equal length, distinct and sorted by chat and place: $2 chat_id
-- $3 ordinal  $4 read at  $5 whether the chat has it  $6 raw, null to keep it  $7 hash
-- Changes a row per calendar. Uses chat_calendar_pkey.
insert into groupchat.chat_calendar as k (source, chat_id, ordinal, raw, first_seen_at, listed_at, gone_at, hash)
select $1, chat_id, ordinal, coalesce(raw, 'null')::json, read_at, read_at, case when not present then read_at end, hash
  from unnest($2::text[], $3::int[], $4::timestamptz[], $5::bool[], $6::text[], $7::bigint[])
       as n (chat_id, ordinal, read_at, present, raw, hash)
on conflict (source, chat_id, ordinal) do update
   set raw = case when excluded.gone_at is null then excluded.raw else k.raw end,
       listed_at = case when excluded.gone_at is null then excluded.listed_at else k.listed_at end,
       hash = case when excluded.gone_at is null then excluded.hash else k.hash end,
       gone_at = excluded.gone_at
