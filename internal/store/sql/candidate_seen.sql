-- Lists the candidates that a pass has seen.
-- $1 source  $2 stream  $3 record  $4 pass_id
-- Returns their ids. Scans the candidates of the stream, and the ids that the pass
-- has seen where there are any candidates.
select k.subject
  from sync.candidate k
 where k.source = $1 and k.stream = $2 and k.record = $3
intersect
select unnest(p.ids)
  from sync.page p
 where p.pass_id = $4 and p.record = $3
   and exists (select from sync.candidate k where k.source = $1 and k.stream = $2 and k.record = $3)
