-- Writes join ways that are new, differ or are back.
-- $1 source; arrays of equal length, distinct and sorted by id, null where the answer
-- does not tell: $2 config_id  $3 scene  $4 remark  $5 auto_create_room
-- $6 room_base_name  $7 room_base_id  $8 chat_ids, a JSON array  $9 qr_code  $10 state
-- $11 extra  $12 read at  $13 hash
-- Changes a row per join way. Uses join_way_pkey.
insert into groupchat.join_way as w (source, config_id, scene, remark, auto_create_room, room_base_name, room_base_id,
                                     chat_ids, qr_code, state, extra, first_seen_at, fetched_at, hash)
select $1, config_id, scene, remark, auto_create_room, room_base_name, room_base_id,
       case when chat_ids is not null
            then array(select c.id from jsonb_array_elements_text(chat_ids::jsonb) with ordinality as c (id, place)
                        order by c.place) end,
       qr_code, state, extra::jsonb, read_at, read_at, hash
  from unnest($2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::text[], $7::bigint[], $8::text[], $9::text[],
              $10::text[], $11::text[], $12::timestamptz[], $13::bigint[])
       as n (config_id, scene, remark, auto_create_room, room_base_name, room_base_id, chat_ids, qr_code,
             state, extra, read_at, hash)
on conflict (source, config_id) do update
   set scene = excluded.scene, remark = excluded.remark, auto_create_room = excluded.auto_create_room,
       room_base_name = excluded.room_base_name, room_base_id = excluded.room_base_id, chat_ids = excluded.chat_ids,
       qr_code = excluded.qr_code, state = excluded.state, extra = excluded.extra,
       first_seen_at = coalesce(w.first_seen_at, excluded.first_seen_at), fetched_at = excluded.fetched_at,
       gone_at = null, gone_reason = null, hash = excluded.hash
