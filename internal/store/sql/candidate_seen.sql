-- Clears the candidates that a pass has seen.
-- $1 source  $2 stream  $3 pass_id
-- Changes any number of rows. Uses candidate_pkey and page_pkey.
delete from sync.candidate c
 using sync.page p
 where c.source = $1 and c.stream = $2 and p.pass_id = $3 and p.id = c.subject
