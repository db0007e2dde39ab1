-- Counts the chats that a pass should have seen and has not, those aside that are
-- candidates already, and all that it should have seen. Chats of owners whom the
-- vendor refuses are beyond its reach, and so is what is younger than its bound.
-- $1 source  $2 stream  $3 pass_id  $4 scope  $5 start of the pass
-- $6 created_until of the pass, or null
-- Returns missing, known. Scans the chats of the source, and puts the ids that the
-- pass has seen into one set: no plan looks for each chat in all of them.
with known as materialized (
    select c.chat_id
      from groupchat.chat c
     where c.source = $1 and c.gone_at is null and c.list_scope = $4 and c.first_seen_at < $5
       and ($6::timestamptz is null or c.created_at is null or c.created_at <= $6)
       and not exists (select from sync.item i
                        where i.source = $1 and i.stream = $2
                          and i.subject = 'owner/' || c.owner_id and i.failures > 0)
)
select (select count(*)
          from (select chat_id from known
                except
                select unnest(p.ids) from sync.page p where p.pass_id = $3 and p.record = 'chat'
                except
                select k.subject from sync.candidate k
                 where k.source = $1 and k.stream = $2 and k.record = 'chat' and not k.held) m) as missing,
       (select count(*) from known) as known
