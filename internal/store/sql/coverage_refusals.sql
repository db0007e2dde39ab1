-- Lists the subjects of a stream of which the vendor refuses days.
-- $1 source  $2 stream  $3 how many at most
-- Returns subject, code, when it is asked again, number of days, number of such
-- subjects in all. Scans the coverage of the stream.
select c.subject, coalesce(c.refused_code, ''), coalesce(c.retry_at, 'epoch'), n.days, count(*) over ()
  from sync.coverage_state c
 cross join lateral (select coalesce(sum(upper(r) - lower(r)), 0)::bigint as days from unnest(c.refused) r) n
 where c.source = $1 and c.stream = $2 and n.days > 0
 order by n.days desc, c.subject
 limit $3
