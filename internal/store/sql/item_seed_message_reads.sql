-- Gives every robot message whose readers are followed an item of the stream that
-- asks for them, due at once, also where what is known of the message has changed;
-- and takes it from the others.
-- $1 source  $2 stream  $3 now
-- Changes a row per message that had none, or another one. Scans the messages of the
-- source that are followed (robot_message_open) and the items of the stream, each
-- once or twice.
with dropped as (
    delete from sync.item i
     using (select i.subject from sync.item i where i.source = $1 and i.stream = $2
            except
            select m.process_query_key from groupchat.robot_message m where m.source = $1 and m.closed_at is null) n
     where i.source = $1 and i.stream = $2 and i.subject = n.subject
)
insert into sync.item as i (source, stream, subject, due_at, params, born_at)
select $1, $2, n.process_query_key, $3, n.params, n.sent_at
  from (select m.process_query_key,
               '{"chat":' || to_json(m.open_conversation_id) || ',"robot":' || to_json(m.robot_code) || '}' as params,
               m.sent_at
          from groupchat.robot_message m
         where m.source = $1 and m.closed_at is null
        except
        select i.subject, i.params, i.born_at from sync.item i where i.source = $1 and i.stream = $2) n
 order by n.process_query_key
on conflict (source, stream, subject) do update
   set due_at = excluded.due_at, params = excluded.params, born_at = excluded.born_at
