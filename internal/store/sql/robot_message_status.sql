-- Writes the status of robot messages.
-- $1 source; arrays of equal length, distinct and sorted: $2 process_query_key
-- $3 send_status, null to keep it  $4 read at
-- Changes a row per message. Looks each one up in robot_message_pkey, as chat_ask
-- does, and holds it: a plain join would be free to read all messages of the source.
with held as materialized (
    select m.place, n.send_status, n.read_at
      from unnest($2::text[], $3::text[], $4::timestamptz[]) as n (process_query_key, send_status, read_at)
     cross join lateral (select m.ctid as place
                           from groupchat.robot_message m
                          where m.source = $1 and m.process_query_key = n.process_query_key
                            for no key update) m
)
update groupchat.robot_message m
   set send_status = coalesce(held.send_status, m.send_status), checked_at = held.read_at
  from held
 where m.ctid = held.place
