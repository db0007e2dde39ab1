-- Opens the chains of a pass, all at their heads. One that is frozen to what was
-- created since begins at the watermark of its lane, if that holds under the scope
-- of the pass, and otherwise at the first record.
-- $1 source  $2 stream  $3 pass_id  $4 now  $5 scope
-- arrays of equal length: $6 subjects  $7 params, as sent  $8 owners as JSON
-- arrays, null for all  $9 lanes
-- $10 true to begin at the watermark  $11 that much earlier  $12 created_until or
-- null
-- Changes a row per subject. Uses checkpoint_pkey and watermark_pkey.
insert into sync.checkpoint (source, stream, subject, params, params_raw, pass_id, updated_at, owners,
                             created_after, created_until)
select $1, $2, n.subject, n.params::jsonb, n.params, $3, $4,
       case when n.owners is not null then array(select jsonb_array_elements_text(n.owners::jsonb)) end,
       case when $10 then (select w.watermark - $11::interval
                             from sync.watermark w
                            where w.source = $1 and w.stream = $2 and w.lane = n.lane and w.scope = $5
                              and isfinite(w.watermark)) end,
       $12
  from unnest($6::text[], $7::text[], $8::text[], $9::text[]) as n (subject, params, owners, lane)
