-- Notes days as refused. Days that are held stay so, and are not asked for again
-- on the same day of the vendor. What else is refused keeps its next try where
-- that comes sooner: a day that is refused anew each day must not put it off.
-- $1 source  $2 stream  $3 subject  $4 from  $5 to (inclusive)  $6 code
-- $7 when to ask again  $8 vendor's day on which they were asked for
-- $9 when they were asked for  $10 whether the code is about these days alone
-- Changes one row. Uses coverage_pkey.
update sync.coverage c
   set refused = c.refused + (d.days - c.covered),
       refused_code = case when $10::boolean and not isempty(c.refused - d.days) then c.refused_code else $6 end,
       retry_at = case when not isempty(c.refused - d.days) and c.retry_at > $9 and c.retry_at <= $7
                       then c.retry_at else $7 end,
       reread = case when c.reread_on - $8::date in (0, 1) then c.reread + d.days * c.covered
                     else d.days * c.covered end,
       reread_on = case when c.reread_on - $8::date = 1 then c.reread_on else $8::date end
  from (select datemultirange(daterange($4::date, $5::date, '[]')) as days) d
 where c.source = $1 and c.stream = $2 and c.subject = $3
