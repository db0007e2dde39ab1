-- Notes days as read. What was read again tomorrow, as seen from a clock that is
-- behind the one of another host, counts for today; what was read in a more
-- distant future does not.
-- $1 source  $2 stream  $3 vendor's day on which they were asked for; arrays of
-- equal length: $4 subject  $5 from  $6 to (inclusive)
-- Changes a row per subject. Uses coverage_pkey: an upsert finds each row by its
-- key, where an update is free to read all of the stream.
insert into sync.coverage as c (source, stream, subject, first_seen_on, covered, reread, reread_on)
select $1, $2, r.subject, $3::date, r.days, r.days, $3::date
  from (select n.subject, range_agg(daterange(n.first, n.last, '[]')) as days
          from unnest($4::text[], $5::date[], $6::date[]) as n (subject, first, last)
         group by n.subject
         order by n.subject) as r
on conflict (source, stream, subject) do update
   set covered = c.covered + excluded.covered, lost = c.lost - excluded.covered,
       refused = c.refused - excluded.covered,
       reread = case when c.reread_on - excluded.reread_on in (0, 1) then c.reread + excluded.covered
                     else excluded.covered end,
       reread_on = case when c.reread_on - excluded.reread_on = 1 then c.reread_on
                        else excluded.reread_on end
