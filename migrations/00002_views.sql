-- +goose Up
-- Views to read from: chats, who is in them now, and how fresh it all is. They
-- run with their owner's rights, so a reader needs no access to schema sync.

create schema if not exists bi;
comment on schema bi is 'Views for people and BI tools. Codes stand beside their meaning; NULL is "not known", never zero.';

create view bi.chats as
select c.source, c.chat_id, c.name, c.owner_id, coalesce(c.owner_name, o.name) as owner_name,
       coalesce(c.department_name, o.department_name) as department_name,
       c.status,
       case c.status when 0 then 'normal' when 1 then 'owner resigned'
                     when 2 then 'being inherited' when 3 then 'inherited'
                     else 'unknown (' || c.status || ')' end as status_text,
       case when c.detail_at is not null then m.members end as members,
       case when c.detail_at is not null then m.staff end as staff_members,
       case when c.detail_at is not null then m.external end as external_members,
       c.notice, c.created_at, c.first_seen_at,
       case when isfinite(i.fetched_at) then i.fetched_at end as last_read_at,
       c.gone_at, c.gone_reason
  from groupchat.chat c
  left join groupchat.owner o on o.source = c.source and o.owner_id = c.owner_id
  left join sync.item i on i.source = c.source and i.stream = 'members' and i.subject = c.chat_id
  left join lateral (select count(*) as members,
                            count(*) filter (where s.member_type = 1) as staff,
                            count(*) filter (where s.member_type = 2) as external
                       from groupchat.chat_member s
                      where s.source = c.source and s.chat_id = c.chat_id and s.left_before is null) m on true;
comment on view   bi.chats is 'One row per chat, gone ones included: its owner, its status in words, how many people are in it now and when that was last read (客户群一览).';
comment on column bi.chats.source is 'Configured name of the source (数据源).';
comment on column bi.chats.chat_id is 'The vendor''s chat id (客户群ID).';
comment on column bi.chats.name is 'Name; empty when nobody named the chat; NULL until the detail was read (群名).';
comment on column bi.chats.owner_id is 'User id of the owner (群主ID).';
comment on column bi.chats.owner_name is 'Name of the owner; NULL where it is not known (群主姓名).';
comment on column bi.chats.department_name is 'Department of the owner, where the vendor tells it (群主部门).';
comment on column bi.chats.status is 'The vendor''s number (客户群跟进状态): 0 normal 跟进人正常, 1 owner resigned 跟进人离职, 2 being inherited 离职继承中, 3 inherited 离职继承完成.';
comment on column bi.chats.status_text is 'The same in words; NULL where no list has told the status (跟进状态说明).';
comment on column bi.chats.members is 'People in the chat now, staff and owner included; NULL until the detail was read (当前群成员数).';
comment on column bi.chats.staff_members is 'Those among them who are staff, type 1 (企业成员数).';
comment on column bi.chats.external_members is 'Those among them who are external contacts, type 2 (外部联系人数).';
comment on column bi.chats.notice is 'Announcement; empty when there is none; NULL until the detail was read (群公告).';
comment on column bi.chats.created_at is 'When the chat was created (群的创建时间).';
comment on column bi.chats.first_seen_at is 'When syncd first read the chat (首次发现时间).';
comment on column bi.chats.last_read_at is 'When the latest successful read of its members was requested; NULL if there was none (最近一次读取成员的时间).';
comment on column bi.chats.gone_at is 'When the chat was found to be gone; NULL while it exists (确认消失时间).';
comment on column bi.chats.gone_reason is 'How that was found (消失原因).';

create view bi.members_current as
select s.source, s.chat_id, c.name as chat_name, c.owner_id, coalesce(c.owner_name, o.name) as owner_name,
       s.member_id, s.name, s.group_nickname, s.member_type,
       case s.member_type when 1 then 'staff' when 2 then 'external contact'
                          else 'unknown (' || s.member_type || ')' end as member_type_text,
       s.is_admin, s.member_id is not distinct from c.owner_id as is_owner, s.union_id,
       case when isfinite(s.joined_at) then s.joined_at end as joined_at,
       s.join_scene,
       case s.join_scene when 1 then 'invited' when 2 then 'link' when 3 then 'QR code'
                         else 'unknown (' || s.join_scene || ')' end as join_scene_text,
       s.invitor_id, s.state, s.first_seen_at,
       case when isfinite(i.fetched_at) then i.fetched_at end as last_read_at,
       s.left_after is not null as in_doubt
  from groupchat.chat_member s
  join groupchat.chat c on c.source = s.source and c.chat_id = s.chat_id
  left join groupchat.owner o on o.source = c.source and o.owner_id = c.owner_id
  left join sync.item i on i.source = s.source and i.stream = 'members' and i.subject = s.chat_id
 where s.left_before is null;
comment on view   bi.members_current is 'One row per person and chat, for everyone who is in a chat now (当前群成员).';
comment on column bi.members_current.source is 'Configured name of the source (数据源).';
comment on column bi.members_current.chat_id is 'The vendor''s chat id (客户群ID).';
comment on column bi.members_current.chat_name is 'Name of the chat; empty when nobody named it (群名).';
comment on column bi.members_current.owner_id is 'User id of the chat''s owner (群主ID).';
comment on column bi.members_current.owner_name is 'Name of the chat''s owner; NULL where it is not known (群主姓名).';
comment on column bi.members_current.member_id is 'The vendor''s id of the person (群成员ID).';
comment on column bi.members_current.name is 'Name of the person (名字).';
comment on column bi.members_current.group_nickname is 'Nickname within the chat; empty when there is none (在群里的昵称).';
comment on column bi.members_current.member_type is 'The vendor''s number (成员类型): 1 staff 企业成员, 2 external contact 外部联系人.';
comment on column bi.members_current.member_type_text is 'The same in words (成员类型说明).';
comment on column bi.members_current.is_admin is 'True for an administrator of the chat (是否群管理员).';
comment on column bi.members_current.is_owner is 'True for the owner of the chat (是否群主).';
comment on column bi.members_current.union_id is 'WeChat union id, where the vendor gives it (微信开放平台的唯一身份标识).';
comment on column bi.members_current.joined_at is 'When the person joined; NULL where the vendor does not say (入群时间).';
comment on column bi.members_current.join_scene is 'The vendor''s number (入群方式): 1 invited 由群成员邀请入群, 2 link 通过邀请链接入群, 3 QR code 通过扫描群二维码入群.';
comment on column bi.members_current.join_scene_text is 'The same in words (入群方式说明).';
comment on column bi.members_current.invitor_id is 'User id of who invited (邀请者).';
comment on column bi.members_current.state is 'Channel marker of the join way (入群渠道).';
comment on column bi.members_current.first_seen_at is 'When syncd first read the membership (首次发现时间).';
comment on column bi.members_current.last_read_at is 'When the latest successful read of this chat''s members was requested (最近一次读取成员的时间).';
comment on column bi.members_current.in_doubt is 'True when the latest answer lacked the person without proving that they had left (存疑：最近一次结果中缺失，但未能证实退群).';

create view bi.freshness as
select k.source, k.stream,
       g.started_at as complete_started_at, g.finished_at as complete_finished_at, g.verdict as complete_verdict,
       now() - g.started_at as age,
       p.outcome as last_outcome, p.started_at as last_started_at, p.finished_at as last_finished_at,
       p.resume_at as last_resume_at, p.error as last_error,
       coalesce(i.items, 0) as items, coalesce(i.never_read, 0) as items_never_read,
       coalesce(i.overdue, 0) as items_overdue, coalesce(i.failing, 0) as items_failing,
       i.oldest as oldest_item_read_at
  from (select source, stream from sync.pass union select source, stream from sync.item) k
  left join lateral (select * from sync.pass
                      where source = k.source and stream = k.stream
                      order by pass_id desc
                      limit 1) p on true
  left join lateral (select started_at, finished_at, verdict from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete'
                      order by pass_id desc
                      limit 1) g on true
  left join (select source, stream, count(*) as items,
                    count(*) filter (where fetched_at is null) as never_read,
                    count(*) filter (where due_at <= now()) as overdue,
                    count(*) filter (where failures > 0) as failing,
                    min(fetched_at) filter (where isfinite(fetched_at)) as oldest
               from sync.item
              group by source, stream) i on i.source = k.source and i.stream = k.stream;
comment on view   bi.freshness is 'One row per source and stream that was ever synced: how far it can be trusted to be up to date (数据新鲜度).';
comment on column bi.freshness.source is 'Configured name of the source (数据源).';
comment on column bi.freshness.stream is 'Stream within the source: owners, chats, members (数据流).';
comment on column bi.freshness.complete_started_at is 'When the latest complete pass began: what it read is at least as new as that; NULL if there was none (最近一次完整同步的开始时间).';
comment on column bi.freshness.complete_finished_at is 'When that pass ended (最近一次完整同步的结束时间).';
comment on column bi.freshness.complete_verdict is 'Its certificate: complete (everything was seen), drifted (rows moved meanwhile), unproven; NULL for a stream read item by item (完整性结论).';
comment on column bi.freshness.age is 'Time since complete_started_at (数据年龄).';
comment on column bi.freshness.last_outcome is 'How the latest pass stands: running, complete, partial, failed, abandoned (最近一次同步的结果).';
comment on column bi.freshness.last_started_at is 'When the latest pass began (最近一次同步的开始时间).';
comment on column bi.freshness.last_finished_at is 'When it ended; NULL while it is open and can be resumed (最近一次同步的结束时间).';
comment on column bi.freshness.last_resume_at is 'For a partial pass: the earliest instant at which going on makes sense (可继续的最早时间).';
comment on column bi.freshness.last_error is 'Why it is partial or failed (原因).';
comment on column bi.freshness.items is 'Records that the stream reads one by one; 0 for a list (逐条读取的记录数).';
comment on column bi.freshness.items_never_read is 'Those among them that were never read (从未读取).';
comment on column bi.freshness.items_overdue is 'Those that are due to be read again, never-read ones included (已到期待读取).';
comment on column bi.freshness.items_failing is 'Those whose latest read failed, see sync.item (最近一次读取失败).';
comment on column bi.freshness.oldest_item_read_at is 'When the record that was read longest ago was read (最旧一条记录的读取时间).';

-- +goose Down
drop schema bi cascade;
