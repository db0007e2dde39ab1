-- Counts the passes of a stream's mode that ended and proved nothing since the latest
-- one that proved everything.
-- $1 source  $2 stream  $3 mode
-- Returns one number. Uses pass_complete.
select count(*)
  from sync.pass p
 where p.source = $1 and p.stream = $2 and p.mode = $3 and p.outcome = 'complete'
   and p.pass_id > coalesce((select l.pass_id
                               from sync.pass l
                              where l.source = $1 and l.stream = $2 and l.mode = $3
                                and l.outcome = 'complete' and l.verdict = 'complete'
                              order by l.pass_id desc
                              limit 1), 0)
