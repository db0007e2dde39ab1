-- Counts the passes of a stream's mode that ended as drifted since the latest one
-- that did not.
-- $1 source  $2 stream  $3 mode
-- Returns one number. Uses pass_complete.
select count(*)
  from sync.pass p
 where p.source = $1 and p.stream = $2 and p.mode = $3 and p.outcome = 'complete' and p.verdict = 'drifted'
   and p.pass_id > coalesce((select l.pass_id
                               from sync.pass l
                              where l.source = $1 and l.stream = $2 and l.mode = $3
                                and l.outcome = 'complete' and l.verdict <> 'drifted'
                              order by l.pass_id desc
                              limit 1), 0)
