-- Tells what a source has used of a month, and until when the vendor blocks it.
-- $1 source  $2 month  $3 now  $4 limit of the month
-- Returns one row: calls, those of the lane of reads, the end of a block that lasts and
-- that no greater limit has lifted, or null, and its code. Uses call_budget_pkey.
select coalesce(sum(b.used) filter (where b.month = $2), 0)::bigint,
       coalesce(sum(b.reads_used) filter (where b.month = $2), 0)::bigint,
       max(case when isfinite(b.blocked_until) then b.blocked_until else $3::timestamptz + interval '1 year' end)
           filter (where l.lasts),
       coalesce((array_agg(b.blocked_code order by b.blocked_until desc) filter (where l.lasts))[1], '')
  from sync.call_budget b
 cross join lateral (select b.blocked_until > $3 and (b.blocked_limit is null or b.blocked_limit >= $4) as lasts) l
 where b.source = $1
