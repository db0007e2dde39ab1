-- Lists the passes that wait for approval.
-- No parameters.
-- Returns them in order. Scans sync.pass.
select p.pass_id, p.source, p.stream, p.finished_at, p.candidates
  from sync.pass p
 where p.held and p.approved_at is null
   and not exists (select from sync.pass l
                    where l.source = p.source and l.stream = p.stream
                      and l.pass_id > p.pass_id and l.outcome = 'complete')
 order by p.pass_id
