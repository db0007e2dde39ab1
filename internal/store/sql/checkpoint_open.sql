-- Opens the chains of a pass, all at their heads.
-- $1 source  $2 stream  $3 pass_id  $4 now  $5 subjects  $6 params, as sent
-- Changes a row per subject. Uses checkpoint_pkey.
insert into sync.checkpoint (source, stream, subject, params, params_raw, pass_id, updated_at)
select $1, $2, n.subject, n.params::jsonb, n.params, $3, $4
  from unnest($5::text[], $6::text[]) as n (subject, params)
