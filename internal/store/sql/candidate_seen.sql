-- Clears the candidates that a pass has seen. Rows are locked in the order of
-- their keys, as candidate_drop does.
-- $1 source  $2 stream  $3 pass_id
-- Changes any number of rows. Uses candidate_pkey and page_pkey.
with held as materialized (
    select c.subject
      from sync.candidate c
      join sync.page p on p.pass_id = $3 and p.id = c.subject
     where c.source = $1 and c.stream = $2
     order by c.subject collate "C"
       for update of c
)
delete from sync.candidate c
 using held
 where c.source = $1 and c.stream = $2 and c.subject = held.subject
