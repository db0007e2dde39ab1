-- Approves a pass that was held back.
-- $1 pass_id  $2 now
-- Returns source, stream and how many records it missed, or no row when there is
-- nothing to approve: no such pass, not held, approved before, or a later pass took its
-- place. Uses pass_pkey and pass_complete.
update sync.pass p
   set approved_at = $2
 where pass_id = $1 and held and approved_at is null
   and not exists (select from sync.pass l
                    where l.source = p.source and l.stream = p.stream and l.mode = p.mode
                      and l.pass_id > p.pass_id and l.outcome = 'complete')
returning source, stream, candidates
