-- Lists the open chains of a pass.
-- $1 source  $2 stream  $3 pass_id
-- Returns them in the order of their subjects; times that somebody made infinite
-- as null or the epoch. Uses checkpoint_pkey.
select subject, params_raw, cursor, version, pages, restarts,
       case when isfinite(updated_at) then updated_at else 'epoch' end, owners,
       case when isfinite(watermark) then watermark end,
       case when isfinite(created_after) then created_after end,
       case when isfinite(created_until) then created_until end, resumes, unordered
  from sync.checkpoint
 where source = $1 and stream = $2 and pass_id = $3
 order by subject
