-- Books one call, unless that would be one too many.
-- $1 source  $2 month  $3 now  $4 true for the lane of reads  $5 most calls in the
-- month so far, this one included  $6 most of them in the lane of reads
-- $7 limit of the month
-- Changes one row, or none where nothing is left or the vendor blocks. Uses
-- call_budget_pkey; the limits are looked at again once the row is locked.
insert into sync.call_budget as b (source, month, used, reads_used)
select $1, $2, 1, $4::bool::int
 where $5 > 0 and ($6 > 0 or not $4)
   and not exists (select from sync.call_budget o where o.source = $1 and o.blocked_until > $3
                      and (o.blocked_limit is null or o.blocked_limit >= $7))
on conflict (source, month) do update
   set used = b.used + 1, reads_used = b.reads_used + $4::bool::int
 where b.used < $5 and (b.reads_used < $6 or not $4)
   and (b.blocked_until is null or b.blocked_until <= $3 or b.blocked_limit < $7)
