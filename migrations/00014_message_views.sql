-- +goose Up
-- Views of mass messages and of ways to join chats. They run with their owner's
-- rights, so a reader needs no access to schema sync.

create view bi.message_senders as
select t.source, t.msg_id, m.chat_type, m.created_at, (m.created_at at time zone s.timezone)::date as day,
       t.user_id, o.name as user_name, o.department_name,
       t.status, t.is_sent, t.sent_at, t.results_at,
       case when t.results_at is not null then r.targets end as targets,
       case when t.results_at is not null then r.sent end as sent,
       case when t.results_at is not null then r.no_friend end as failed_no_friend,
       case when t.results_at is not null then r.quota end as failed_quota,
       case when t.results_at is not null then r.pending end as pending,
       case when t.results_at is not null then r.other end as other,
       t.closed_at, t.close_reason
  from groupchat.group_message_task t
  join groupchat.group_message m on m.source = t.source and m.msg_id = t.msg_id
  join sync.source s on s.source = t.source
  left join groupchat.owner o on o.source = t.source and o.owner_id = t.user_id
  left join lateral (select count(*) as targets,
                            count(*) filter (where q.status = 1) as sent,
                            count(*) filter (where q.status = 2) as no_friend,
                            count(*) filter (where q.status = 3) as quota,
                            count(*) filter (where q.status = 0) as pending,
                            count(*) filter (where q.status is null or q.status not in (0, 1, 2, 3)) as other
                       from groupchat.group_message_result q
                      where q.source = t.source and q.msg_id = t.msg_id and q.user_id = t.user_id) r on true;
comment on view   bi.message_senders is 'One row per mass message and sender: whether it was sent, and what became of it at its receivers (群发成员触达情况).';
comment on column bi.message_senders.source is 'Configured name of the source (数据源).';
comment on column bi.message_senders.msg_id is 'Id of the message (群发消息ID).';
comment on column bi.message_senders.chat_type is 'Whom it is for: group (chats) or single (customers) (群发类型).';
comment on column bi.message_senders.created_at is 'When it was made (创建时间).';
comment on column bi.message_senders.day is 'The vendor''s day of that (创建日期).';
comment on column bi.message_senders.user_id is 'Who is to send it (发送成员ID).';
comment on column bi.message_senders.user_name is 'Name of the sender, where known (发送成员姓名).';
comment on column bi.message_senders.department_name is 'Department of the sender, where known (发送成员部门).';
comment on column bi.message_senders.status is 'The vendor''s number: 0 not sent, 2 sent (发送状态).';
comment on column bi.message_senders.is_sent is 'Whether the sender has sent it (是否已发送).';
comment on column bi.message_senders.sent_at is 'When; NULL until then (发送时间).';
comment on column bi.message_senders.results_at is 'When the receivers were first read; NULL until then, and the counts with it (首次读取结果的时间).';
comment on column bi.message_senders.targets is 'Chats, or customers, that it is for (目标数).';
comment on column bi.message_senders.sent is 'Those that it has reached (已送达数).';
comment on column bi.message_senders.failed_no_friend is 'Those that it could not reach because they are no friends, or the chat is not the sender''s, any more (因不是好友发送失败).';
comment on column bi.message_senders.failed_quota is 'Those that it could not reach because they have got another mass message (因已收到其他群发发送失败).';
comment on column bi.message_senders.pending is 'Those that it has not been sent to yet (未发送数).';
comment on column bi.message_senders.other is 'Those with a status that the vendor does not document, or without one (其他状态数).';
comment on column bi.message_senders.closed_at is 'Since when the receivers are not read any more; NULL while they are (停止跟踪时间).';
comment on column bi.message_senders.close_reason is 'Why not (停止原因).';

create view bi.message_reach as
select m.source, m.msg_id, m.chat_type, m.creator_id, o.name as creator_name, m.create_type,
       m.created_at, (m.created_at at time zone s.timezone)::date as day, m.content,
       coalesce(t.senders, 0) as senders, coalesce(t.senders_sent, 0) as senders_sent,
       coalesce(t.senders_read, 0) as senders_read, t.last_sent_at,
       t.targets, t.sent, t.failed_no_friend, t.failed_quota, t.pending, t.other,
       round(t.sent / nullif(t.targets, 0), 4) as reach,
       m.closed_at, m.close_reason
  from groupchat.group_message m
  join sync.source s on s.source = m.source
  left join groupchat.owner o on o.source = m.source and o.owner_id = m.creator_id
  left join lateral (select count(*) as senders, count(*) filter (where p.is_sent) as senders_sent,
                            count(p.results_at) as senders_read, max(p.sent_at) as last_sent_at,
                            sum(p.targets) as targets, sum(p.sent) as sent, sum(p.failed_no_friend) as failed_no_friend,
                            sum(p.failed_quota) as failed_quota, sum(p.pending) as pending, sum(p.other) as other
                       from bi.message_senders p
                      where p.source = m.source and p.msg_id = m.msg_id) t on true;
comment on view   bi.message_reach is 'One row per mass message: its senders, and what became of it at the chats or customers that it is for. The counts are over the senders_read senders whose receivers were read; NULL until one was (群发触达情况).';
comment on column bi.message_reach.source is 'Configured name of the source (数据源).';
comment on column bi.message_reach.msg_id is 'Id of the message (群发消息ID).';
comment on column bi.message_reach.chat_type is 'Whom it is for: group (chats) or single (customers) (群发类型).';
comment on column bi.message_reach.creator_id is 'Who made it; NULL where the vendor does not say (创建人ID).';
comment on column bi.message_reach.creator_name is 'Name of the creator, where known (创建人姓名).';
comment on column bi.message_reach.create_type is '0 made for the organisation, 1 by a person for his own receivers (创建来源).';
comment on column bi.message_reach.created_at is 'When it was made (创建时间).';
comment on column bi.message_reach.day is 'The vendor''s day of that (创建日期).';
comment on column bi.message_reach.content is 'Its text (消息文本).';
comment on column bi.message_reach.senders is 'People who are to send it (发送成员数).';
comment on column bi.message_reach.senders_sent is 'Those who have (已发送成员数).';
comment on column bi.message_reach.senders_read is 'Those whose receivers were read: the counts are over these (已读取结果的成员数).';
comment on column bi.message_reach.last_sent_at is 'When the last of them sent it (最后发送时间).';
comment on column bi.message_reach.targets is 'Chats, or customers, that it is for (目标数).';
comment on column bi.message_reach.sent is 'Those that it has reached (已送达数).';
comment on column bi.message_reach.failed_no_friend is 'Those that it could not reach because they are no friends, or the chat is not the sender''s, any more (因不是好友发送失败).';
comment on column bi.message_reach.failed_quota is 'Those that it could not reach because they have got another mass message (因已收到其他群发发送失败).';
comment on column bi.message_reach.pending is 'Those that it has not been sent to yet (未发送数).';
comment on column bi.message_reach.other is 'Those with a status that the vendor does not document, or without one (其他状态数).';
comment on column bi.message_reach.reach is 'Share of the targets that it has reached, 0 to 1 (触达率).';
comment on column bi.message_reach.closed_at is 'Since when its senders are not read any more; NULL while they are (停止跟踪时间).';
comment on column bi.message_reach.close_reason is 'Why not: everybody has sent it, it is old enough, or the vendor''s code (41093 cancelled) (停止原因).';

create view bi.join_way_members as
select j.source, j.config_id, w.remark, j.state, j.ways, j.day,
       count(*) as joined, count(distinct j.member_id) as people,
       count(*) filter (where j.left_before is null) as still_in, count(distinct j.chat_id) as chats
  from (select c.source, c.state, c.chat_id, c.member_id, c.left_before,
               case when isfinite(c.joined_at) then (c.joined_at at time zone s.timezone)::date end as day,
               case when k.near > 0 then k.near else k.all end as ways,
               case when k.near = 1 then k.nearest when k.near = 0 and k.all = 1 then k.any end as config_id
          from groupchat.chat_member c
          join sync.source s on s.source = c.source
          left join lateral (select count(*) as all, min(v.config_id) as any,
                                    count(*) filter (where c.chat_id = any (v.chat_ids)) as near,
                                    min(v.config_id) filter (where c.chat_id = any (v.chat_ids)) as nearest
                               from groupchat.join_way v
                              where v.source = c.source and v.state = c.state) k on true
         where c.state <> '') j
  left join groupchat.join_way w on w.source = j.source and w.config_id = j.config_id
 group by j.source, j.config_id, w.remark, j.state, j.ways, j.day;
comment on view   bi.join_way_members is 'One row per way to join chats, state and day: how many members it brought. A member belongs to the way that has his state and leads to his chat; where none does, to the only one that has his state. Members without a state are left out (渠道入群统计).';
comment on column bi.join_way_members.source is 'Configured name of the source (数据源).';
comment on column bi.join_way_members.config_id is 'The way; NULL where none is known, or several may be meant (加入群聊配置ID).';
comment on column bi.join_way_members.remark is 'Its remark (备注).';
comment on column bi.join_way_members.state is 'State of the members, which the way has given them (渠道参数).';
comment on column bi.join_way_members.ways is 'Ways that may be meant: 1 where config_id is told, 0 where none is known (可能的配置数).';
comment on column bi.join_way_members.day is 'The vendor''s day on which they joined; NULL where that is not told (入群日期).';
comment on column bi.join_way_members.joined is 'Members who joined, once for each chat and each time (入群人次).';
comment on column bi.join_way_members.people is 'Different people among them (入群人数).';
comment on column bi.join_way_members.still_in is 'Those of the former who are still in the chat (仍在群人次).';
comment on column bi.join_way_members.chats is 'Chats that they joined (群数).';

-- +goose Down
drop view bi.join_way_members, bi.message_reach, bi.message_senders;
