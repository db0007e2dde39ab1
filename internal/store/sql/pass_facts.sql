-- What the certificate of an open pass is made from.
-- $1 pass_id
-- Returns one row: restarts, rejects_blind, rows_read, totals, started_at, and
-- whether its scope is that of the latest pass that ended (true if there is none).
-- Uses pass_pkey and pass_latest.
select s.restarts, s.rejects_blind, s.rows_read, s.total_first, s.total_last,
       case when isfinite(s.started_at) then s.started_at else 'epoch' end,
       coalesce((select l.scope = s.scope
                   from sync.pass l
                  where l.source = s.source and l.stream = s.stream and l.outcome = 'complete'
                  order by l.pass_id desc
                  limit 1), true) as same_scope
  from sync.pass s
 where s.pass_id = $1
