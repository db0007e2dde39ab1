-- Opens the chains of a pass, all at their heads.
-- $1 source  $2 stream  $3 pass_id  $4 now
-- arrays of equal length: $5 subjects  $6 params, as sent  $7 owners as JSON
-- arrays, null for all  $8 created_after or null  $9 created_until or null
-- Changes a row per subject. Uses checkpoint_pkey.
insert into sync.checkpoint (source, stream, subject, params, params_raw, pass_id, updated_at, owners,
                             created_after, created_until)
select $1, $2, n.subject, n.params::jsonb, n.params, $3, $4,
       case when n.owners is not null then array(select jsonb_array_elements_text(n.owners::jsonb)) end,
       n.created_after, n.created_until
  from unnest($5::text[], $6::text[], $7::text[], $8::timestamptz[], $9::timestamptz[])
       as n (subject, params, owners, created_after, created_until)
