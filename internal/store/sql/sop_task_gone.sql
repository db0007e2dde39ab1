-- Marks tasks as gone.
-- $1 source; arrays of equal length, distinct: $2 task_id  $3 gone_reason  $4 gone_at
-- Changes a row per task that was not gone. Uses sop_task_pkey.
update groupchat.sop_task t
   set gone_at = n.at, gone_reason = n.reason
  from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (task_id, reason, at)
 where t.source = $1 and t.task_id = n.task_id and t.gone_at is null
