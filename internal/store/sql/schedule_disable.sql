-- Disables the schedules that the configuration has no more. Their rows stay.
-- $1 sources  $2 streams  $3 modes
-- Changes a row for each of them.
update sync.schedule s
   set enabled = false
 where s.enabled
   and (s.source, s.stream, s.mode) not in (select * from unnest($1::text[], $2::text[], $3::text[]))
