-- What the certificate of an open pass is made from.
-- $1 pass_id
-- Returns one row: restarts, rejects_blind, ids_noted, shifted, started_at, whether
-- its scope is that of the latest pass of its mode that ended (true if there is
-- none), and the vendor's totals when it began and when it ended, or null. Uses
-- pass_pkey and pass_complete.
select s.restarts, s.rejects_blind, s.ids_noted, s.shifted,
       case when isfinite(s.started_at) then s.started_at else 'epoch' end,
       coalesce((select l.scope = s.scope
                   from sync.pass l
                  where l.source = s.source and l.stream = s.stream and l.mode = s.mode and l.outcome = 'complete'
                  order by l.pass_id desc
                  limit 1), true) as same_scope,
       s.total_first, s.total_last
  from sync.pass s
 where s.pass_id = $1
