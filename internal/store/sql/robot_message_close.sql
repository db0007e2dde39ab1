-- Notes of robot messages that their readers are not asked for any more.
-- $1 source; arrays of equal length, distinct and sorted: $2 process_query_key
-- $3 closed_at  $4 close_reason
-- Changes a row per message that was followed. Finds each one as robot_message_status
-- does.
with held as materialized (
    select m.place, m.closed_at, n.at, n.reason
      from unnest($2::text[], $3::timestamptz[], $4::text[]) as n (process_query_key, at, reason)
     cross join lateral (select m.ctid as place, m.closed_at
                           from groupchat.robot_message m
                          where m.source = $1 and m.process_query_key = n.process_query_key
                            for no key update) m
)
update groupchat.robot_message m
   set closed_at = held.at, close_reason = held.reason
  from held
 where m.ctid = held.place and held.closed_at is null
