-- The chats that a list has missed and that are read directly, once nothing holds
-- them back. One that was read before is read again, once it is woken.
-- $1 source  $2 stream
-- Returns the columns of items/lacking.sql. Scans the candidates of the source
-- (candidate_pkey).
select distinct k.subject, null::text as params, null::timestamptz as born_at, true as again
  from sync.candidate k
 where k.source = $1 and k.confirmed_by = $2 and k.record = 'chat' and not k.held and k.checked_at is null
