-- Adds readers of robot messages that are not known yet.
-- $1 source; arrays of equal length, distinct and sorted: $2 process_query_key
-- $3 user_id  $4 read at
-- Changes a row per reader that is new, of a message that is still there. Looks each
-- one up in robot_message_read_pkey before it writes: a conflict would cost a lock
-- and a row version.
insert into groupchat.robot_message_read (source, process_query_key, user_id, first_seen_at)
select $1, n.process_query_key, n.user_id, n.read_at
  from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (process_query_key, user_id, read_at)
  left join lateral (select true as known
                       from groupchat.robot_message_read r
                      where r.source = $1 and r.process_query_key = n.process_query_key and r.user_id = n.user_id
                      limit 1) r on true
 cross join lateral (select from groupchat.robot_message m
                      where m.source = $1 and m.process_query_key = n.process_query_key
                      limit 1) m
 where r.known is null
on conflict do nothing
