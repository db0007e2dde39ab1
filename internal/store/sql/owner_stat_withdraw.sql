-- Moves figures to owner_stat_history that the vendor does not tell any more.
-- $1 source; arrays of equal length: $2 owner_id  $3 day  $4 read at
-- Changes a row per owner and day. Uses owner_stat_pkey.
with gone as (
    delete from groupchat.owner_stat s
     using unnest($2::text[], $3::date[], $4::timestamptz[]) as n (owner_id, day, read_at)
     where s.source = $1 and s.owner_id = n.owner_id and s.day = n.day
    returning s.*, n.read_at
)
insert into groupchat.owner_stat_history (source, owner_id, day, known_from, new_chat_cnt, chat_total,
                                          chat_has_msg, new_member_cnt, member_total, member_has_msg,
                                          msg_total, migrate_trainee_chat_cnt, extra, known_until)
select source, owner_id, day, fetched_at, new_chat_cnt, chat_total,
       chat_has_msg, new_member_cnt, member_total, member_has_msg,
       msg_total, migrate_trainee_chat_cnt, extra, read_at
  from gone
on conflict do nothing
