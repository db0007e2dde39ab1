-- Gives the chats that a list has missed an item of the stream that reads them
-- directly, once nothing holds them back. One that was read before is due again.
-- $1 source  $2 stream  $3 now
-- Changes a row per chat that had none, or one that was not due by itself. Scans the
-- candidates of the source (candidate_pkey).
insert into sync.item as i (source, stream, subject, due_at)
select distinct $1, $2, k.subject, $3::timestamptz
  from sync.candidate k
 where k.source = $1 and k.confirmed_by = $2 and k.record = 'chat' and not k.held
 order by k.subject
on conflict (source, stream, subject) do update
   set due_at = excluded.due_at
 where i.due_at = 'infinity'
