-- Lets days be wanted again, whether they are held, were read today or refused. Of
-- subjects that have retired nothing is wanted, and what is held of them stays so.
-- $1 source  $2 stream  $3 from  $4 to (inclusive)  $5 subjects, null for all
-- Changes a row per subject that has any of them. Scans the coverage of the
-- stream.
update sync.coverage c
   set covered = c.covered - r.days, refused = c.refused - r.days, reread = c.reread - r.days
  from (select datemultirange(daterange($3::date, $4::date, '[]')) as days) r
 where c.source = $1 and c.stream = $2 and c.retired_on is null and ($5::text[] is null or c.subject = any ($5))
   and (c.covered && r.days or c.refused && r.days or c.reread && r.days)
