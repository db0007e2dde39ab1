-- Tells what a source has used of a month, and until when the vendor blocks it.
-- $1 source  $2 month  $3 now
-- Returns one row: calls, those of the lane of reads, the end of a block that lasts or
-- null, its code. Uses call_budget_pkey.
select coalesce(sum(used) filter (where month = $2), 0)::bigint,
       coalesce(sum(reads_used) filter (where month = $2), 0)::bigint,
       max(case when isfinite(blocked_until) then blocked_until else $3::timestamptz + interval '1 year' end)
           filter (where blocked_until > $3),
       coalesce((array_agg(blocked_code order by blocked_until desc) filter (where blocked_until > $3))[1], '')
  from sync.call_budget
 where source = $1
