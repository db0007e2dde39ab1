-- Lists the open chains of a pass.
-- $1 source  $2 stream  $3 pass_id
-- Returns them in the order of their subjects. Uses checkpoint_pkey.
select subject, params_raw, cursor, version, pages, restarts,
       case when isfinite(updated_at) then updated_at else 'epoch' end, owners
  from sync.checkpoint
 where source = $1 and stream = $2 and pass_id = $3
 order by subject
