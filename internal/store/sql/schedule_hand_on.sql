-- Leaves the try of a paused source to another run of it, at once, unless another
-- one was refused since it was this one's turn.
-- $1 source  $2 now  $3 since when it was its turn
-- Changes one row, or none. Uses source_health_pkey and schedule_pkey.
update sync.source_health
   set probe_at = $2
 where source = $1 and paused_at is not null and probe_at > $2
   and not exists (
       select from sync.schedule s
        where s.source = $1 and s.outcome = 'auth' and s.resume_at is not null and s.slice_at >= $3)
