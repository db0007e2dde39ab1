-- Notes the vendor's word that no call is left until some moment.
-- $1 source  $2 month  $3 until  $4 code
-- Changes one row, or none where a later moment is noted. Uses call_budget_pkey.
insert into sync.call_budget as b (source, month, blocked_until, blocked_code)
values ($1, $2, $3, $4)
on conflict (source, month) do update
   set blocked_until = excluded.blocked_until, blocked_code = excluded.blocked_code
 where b.blocked_until is null or b.blocked_until < excluded.blocked_until
