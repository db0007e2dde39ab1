-- Notes how the vendor of a source answers. Failures at the same time, of slices
-- that had begun before the first of them ended, count as one.
-- $1 source  $2 when  $3 why, or null  $4 it answers well
-- $5 leave it alone until then, or null  $6 pause it and try it then, or null
-- $7 when the slice began: one that began before the pause does not end it
-- Changes one row, or none where that changes nothing. Uses source_health_pkey.
insert into sync.source_health as h (source, failures, resume_at, paused_at, probe_at, error)
values ($1, case when $5::timestamptz is null then 0 else 1 end, $5,
        case when $6::timestamptz is null then null else $2::timestamptz end, $6, $3)
on conflict (source) do update
   set failures = case
           when $4 then 0
           when $5 is not null and (h.resume_at is null or h.resume_at <= $2) then h.failures + 1
           else h.failures end,
       resume_at = case when $4 then null else coalesce(greatest(h.resume_at, $5), h.resume_at) end,
       paused_at = case when $4 and h.paused_at <= $7 then null when $6 is not null then coalesce(h.paused_at, $2) else h.paused_at end,
       probe_at = case when $4 and h.paused_at <= $7 then null else coalesce($6, h.probe_at) end,
       error = case when $4 and (h.paused_at is null or h.paused_at <= $7) then null else coalesce($3, h.error) end
 where not $4 or h.failures > 0 or h.resume_at is not null or h.paused_at is not null
