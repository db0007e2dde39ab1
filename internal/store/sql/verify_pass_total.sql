-- Lists the streams whose latest complete pass saw another number of records than
-- the vendor itself counted.
-- $1 source  $2 streams that are lists
-- Returns stream, pass_id, distinct ids, the vendor's total when the pass began and
-- when it ended. Uses pass_latest.
select p.stream, p.pass_id, coalesce(p.ids_counted, p.ids_distinct), p.total_first, p.total_last
  from unnest($2::text[]) as l (stream)
 cross join lateral (select *
                       from sync.pass c
                      where c.source = $1 and c.stream = l.stream and c.outcome = 'complete'
                      order by c.pass_id desc
                      limit 1) p
 where p.total_first <> coalesce(p.ids_counted, p.ids_distinct)
    or p.total_last <> coalesce(p.ids_counted, p.ids_distinct)
 order by p.stream
