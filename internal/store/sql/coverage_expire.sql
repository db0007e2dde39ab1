-- Notes the days that have left the window unread: those that were in it at some
-- moment after the subject was first seen. What sync.coverage_state calls lost.
-- $1 source  $2 stream  $3 oldest day of the window
-- $4 days the window reaches back from today
-- Returns subject and number of days newly lost. Scans the coverage of the stream.
with expired as (
    select subject,
           datemultirange(daterange(first_seen_on - $4::int, greatest($3::date, first_seen_on - $4::int)))
             - covered - lost as days
      from sync.coverage
     where source = $1 and stream = $2 and retired_on is null
)
update sync.coverage c
   set lost = c.lost + e.days, refused = c.refused - e.days
  from expired e
 where c.source = $1 and c.stream = $2 and c.subject = e.subject and not isempty(e.days)
