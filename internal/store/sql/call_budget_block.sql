-- Notes the vendor's word that no call is left until some moment.
-- $1 source  $2 month  $3 until  $4 code  $5 limit of the month by which it was called
-- Changes one row, or none where a later moment and as great a limit are noted. Uses
-- call_budget_pkey.
insert into sync.call_budget as b (source, month, blocked_until, blocked_code, blocked_limit)
values ($1, $2, $3, $4, $5)
on conflict (source, month) do update
   set blocked_until = greatest(b.blocked_until, excluded.blocked_until), blocked_code = excluded.blocked_code,
       blocked_limit = greatest(b.blocked_limit, excluded.blocked_limit)
 where b.blocked_until is null or b.blocked_until < excluded.blocked_until or b.blocked_limit < excluded.blocked_limit
