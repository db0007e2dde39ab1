-- Drops the chains of a pass, and those that belong to no open pass.
-- $1 source  $2 stream  $3 pass_id
-- Changes any number of rows. Uses checkpoint_pkey and pass_open.
delete from sync.checkpoint c
 where c.source = $1 and c.stream = $2
   and (c.pass_id = $3
        or not exists (select from sync.pass p
                        where p.source = $1 and p.stream = $2 and p.finished_at is null
                          and p.pass_id = c.pass_id))
