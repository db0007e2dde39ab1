-- Removes what is too old of a stretch of passes. Kept are those that are open, that
-- something still belongs to, and the latest of each stream, mode, outcome and
-- verdict: they say how things stand.
-- $1 passes after this one  $2 those that ended before  $3 length of the stretch
-- Returns how many were removed, the last pass of the stretch or $1, and whether it
-- goes on with passes that are old. Uses pass_pkey and pass_latest.
with stretch as (
    select pass_id, source, stream, mode, outcome, verdict, started_at, finished_at
      from sync.pass
     where pass_id > $1
     order by pass_id
     limit $3),
removed as (
    delete from sync.pass p
     using stretch s
     where p.pass_id = s.pass_id and s.finished_at < $2
       and exists (select from sync.pass n
                    where n.source = s.source and n.stream = s.stream and n.pass_id > s.pass_id
                      and n.mode = s.mode and n.outcome = s.outcome and n.verdict is not distinct from s.verdict)
       and not exists (select from sync.candidate c where c.source = s.source and c.pass_id = s.pass_id)
       and not exists (select from sync.checkpoint c where c.source = s.source and c.stream = s.stream and c.pass_id = s.pass_id)
    returning p.pass_id)
select (select count(*) from removed), coalesce(max(pass_id), $1::bigint),
       count(*) = $3::bigint and coalesce(max(started_at) < $2, false)
  from stretch
