-- Opens the chains of a pass, all at their heads.
-- $1 source  $2 stream  $3 pass_id  $4 now  $5 subjects  $6 params, as sent
-- $7 owners as JSON arrays, null for all
-- Changes a row per subject. Uses checkpoint_pkey.
insert into sync.checkpoint (source, stream, subject, params, params_raw, pass_id, updated_at, owners)
select $1, $2, n.subject, n.params::jsonb, n.params, $3, $4,
       case when n.owners is not null then array(select jsonb_array_elements_text(n.owners::jsonb)) end
  from unnest($5::text[], $6::text[], $7::text[]) as n (subject, params, owners)
