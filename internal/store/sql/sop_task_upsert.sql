-- Writes tasks that are new or differ. A task that a list tells of is not gone (any
-- more).
-- $1 source  $2 scope; arrays of equal length, distinct and sorted by task_id, null
-- where the answer does not tell: $3 task_id  $4 sop_info_id  $5 chat_id  $6 title
-- $7 send_status  $8 mode  $9 creator_id  $10 owner_id  $11 owner_name  $12 starts_at
-- $13 extra  $14 read at  $15 hash
-- Changes a row per task. Uses sop_task_pkey.
insert into groupchat.sop_task as t (source, task_id, sop_info_id, chat_id, title, send_status, mode,
                                     creator_id, owner_id, owner_name, starts_at, extra,
                                     first_seen_at, listed_at, list_hash, list_scope)
select $1, task_id, sop_info_id, chat_id, title, send_status, mode,
       creator_id, owner_id, owner_name, starts_at, extra::jsonb, read_at, read_at, hash, $2
  from unnest($3::text[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::bigint[], $9::text[],
              $10::text[], $11::text[], $12::timestamptz[], $13::text[], $14::timestamptz[], $15::bigint[])
       as n (task_id, sop_info_id, chat_id, title, send_status, mode, creator_id,
             owner_id, owner_name, starts_at, extra, read_at, hash)
on conflict (source, task_id) do update
   set sop_info_id = excluded.sop_info_id, chat_id = excluded.chat_id, title = excluded.title,
       send_status = excluded.send_status, mode = excluded.mode, creator_id = excluded.creator_id,
       owner_id = excluded.owner_id, owner_name = excluded.owner_name, starts_at = excluded.starts_at,
       extra = excluded.extra, listed_at = excluded.listed_at, gone_at = null, gone_reason = null,
       list_hash = excluded.list_hash, list_scope = excluded.list_scope
