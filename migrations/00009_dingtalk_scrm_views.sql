-- +goose Up
-- Views of what DingTalk and the SCRM tell, and of what several vendors tell of one
-- chat. They run with their owner's rights, so a reader needs no access to schema sync.

create or replace view bi.chats as
select c.source, c.chat_id, c.name, c.owner_id, coalesce(c.owner_name, o.name) as owner_name,
       coalesce(c.department_name, o.department_name) as department_name,
       c.status,
       case c.status when 0 then 'normal' when 1 then 'owner resigned'
                     when 2 then 'being inherited' when 3 then 'inherited'
                     else 'unknown (' || c.status || ')' end as status_text,
       case when c.detail_at is not null then m.members else c.member_count end as members,
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
comment on column bi.chats.members is 'People in the chat now, staff and owner included; NULL until the detail was read. Where no stream reads the members, the number that the chat list tells (当前群成员数).';

create or replace view bi.freshness as
select k.source, k.stream,
       g.started_at as complete_started_at, g.finished_at as complete_finished_at, g.verdict as complete_verdict,
       now() - g.started_at as age,
       p.outcome as last_outcome, p.started_at as last_started_at, p.finished_at as last_finished_at,
       p.resume_at as last_resume_at, p.error as last_error,
       coalesce(i.items, 0) as items, coalesce(i.never_read, 0) as items_never_read,
       coalesce(i.overdue, 0) as items_overdue, coalesce(i.failing, 0) as items_failing,
       i.oldest as oldest_item_read_at, p.mode as last_mode, n.started_at as new_started_at
  from (select source, stream from sync.pass union select source, stream from sync.item) k
  left join lateral (select outcome, started_at, finished_at, resume_at, error, mode from sync.pass
                      where source = k.source and stream = k.stream
                      order by pass_id desc
                      limit 1) p on true
  left join lateral (select started_at, finished_at, verdict from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete' and mode <> 'new'
                      order by pass_id desc
                      limit 1) g on true
  left join lateral (select started_at from sync.pass
                      where source = k.source and stream = k.stream and outcome = 'complete' and mode = 'new'
                      order by pass_id desc
                      limit 1) n on true
  left join (select source, stream, count(*) as items,
                    count(*) filter (where fetched_at is null) as never_read,
                    count(*) filter (where due_at <= now()) as overdue,
                    count(*) filter (where failures > 0) as failing,
                    min(fetched_at) filter (where isfinite(fetched_at)) as oldest
               from sync.item
              group by source, stream) i on i.source = k.source and i.stream = k.stream;
comment on column bi.freshness.stream is 'Stream within the source: owners, chats, members, … (数据流).';
comment on column bi.freshness.complete_started_at is 'When the latest complete pass over everything began: what it read is at least as new as that; NULL if there was none (最近一次完整同步的开始时间).';
comment on column bi.freshness.items is 'Records that the stream reads one by one, now or when something asks for it; 0 for a list (逐条读取的记录数).';
comment on column bi.freshness.last_mode is 'Which way of reading the stream the latest pass was: full (everything), new (what was created since); empty where there is one way only (最近一次同步的方式).';
comment on column bi.freshness.new_started_at is 'When the latest complete pass over what was created since began: no chat is younger and unknown; NULL where there is no such pass (最近一次增量同步的开始时间).';

comment on column bi.sources.vendor is 'Whose API it is: wecom, dingtalk or scrm (平台).';

create view bi.sop_tasks as
select t.source, t.task_id, t.sop_info_id, t.title, t.chat_id, c.name as chat_name,
       coalesce(c.owner_id, t.owner_id) as owner_id, coalesce(c.owner_name, o.name, t.owner_name) as owner_name,
       coalesce(c.department_name, o.department_name) as department_name,
       t.starts_at, (t.starts_at at time zone s.timezone)::date as day, t.starts_at <= bi.clock() as is_due,
       t.send_status, t.mode, t.creator_id, t.first_seen_at, t.listed_at, t.gone_at
  from groupchat.sop_task t
  join sync.source s on s.source = t.source
  left join groupchat.chat c on c.source = t.source and c.chat_id = t.chat_id
  left join groupchat.owner o on o.source = t.source and o.owner_id = coalesce(c.owner_id, t.owner_id);
comment on view   bi.sop_tasks is 'One row per SOP task, those included that are not listed any more, with its chat and the owner of that (群SOP任务).';
comment on column bi.sop_tasks.source is 'Configured name of the source (数据源).';
comment on column bi.sop_tasks.task_id is 'The vendor''s task id (任务ID).';
comment on column bi.sop_tasks.sop_info_id is 'The SOP that the task belongs to (SOP ID).';
comment on column bi.sop_tasks.title is 'Title (标题).';
comment on column bi.sop_tasks.chat_id is 'The chat that the task is for (群ID).';
comment on column bi.sop_tasks.chat_name is 'Its name (群名).';
comment on column bi.sop_tasks.owner_id is 'Its owner now (群主ID).';
comment on column bi.sop_tasks.owner_name is 'Name of the owner (群主姓名).';
comment on column bi.sop_tasks.department_name is 'Department of the owner (群主部门).';
comment on column bi.sop_tasks.starts_at is 'When it is to be sent; NULL where the vendor does not say (开始时间).';
comment on column bi.sop_tasks.day is 'The vendor''s day of that (开始日期).';
comment on column bi.sop_tasks.is_due is 'Whether that has come; NULL where the vendor does not say when it is (是否已到期).';
comment on column bi.sop_tasks.send_status is 'The vendor''s number, whose meaning it does not document; 1 is what tasks of the past have (发送状态).';
comment on column bi.sop_tasks.mode is 'The vendor''s number, whose meaning it does not document (模式).';
comment on column bi.sop_tasks.creator_id is 'Who made it (创建人).';
comment on column bi.sop_tasks.first_seen_at is 'When syncd first read the task (首次发现时间).';
comment on column bi.sop_tasks.listed_at is 'When these values were first read (当前内容的首次读取时间).';
comment on column bi.sop_tasks.gone_at is 'When the task was found not to be listed any more; NULL while it is (确认消失时间).';

create view bi.sop_completion as
select t.source, t.owner_id, max(t.owner_name) as owner_name, max(t.department_name) as department_name, t.day,
       count(distinct t.chat_id) as chats, count(*) as tasks,
       count(*) filter (where t.is_due) as due,
       count(*) filter (where t.send_status = 1) as sent,
       count(*) filter (where t.is_due and t.send_status is distinct from 1) as due_not_sent,
       round(count(*) filter (where t.is_due and t.send_status = 1)::numeric
             / nullif(count(*) filter (where t.is_due), 0), 4) as completion,
       (select jsonb_object_agg(b.status, b.tasks)
          from (select coalesce(u.status::text, 'unknown') as status, count(*) as tasks
                  from unnest(array_agg(t.send_status)) as u (status)
                 group by 1) b) as tasks_by_status
  from bi.sop_tasks t
 where t.day is not null and (t.gone_at is null or t.gone_at > t.starts_at)
 group by t.source, t.owner_id, t.day;
comment on view   bi.sop_completion is 'One row per owner of chats and day: the SOP tasks of that day, and how many were sent. Tasks that vanished before their time are left out (群SOP完成情况).';
comment on column bi.sop_completion.source is 'Configured name of the source (数据源).';
comment on column bi.sop_completion.owner_id is 'Owner of the chats now; NULL where no list has told (群主ID).';
comment on column bi.sop_completion.owner_name is 'Name of the owner (群主姓名).';
comment on column bi.sop_completion.department_name is 'Department of the owner (群主部门).';
comment on column bi.sop_completion.day is 'The vendor''s day on which the tasks are to be sent (日期).';
comment on column bi.sop_completion.chats is 'Chats that have a task on the day (群数).';
comment on column bi.sop_completion.tasks is 'Tasks of the day (任务数).';
comment on column bi.sop_completion.due is 'Those among them whose time has come (已到期任务数).';
comment on column bi.sop_completion.sent is 'Those with send_status 1, which the vendor does not document and which sent tasks seem to have (已发送任务数).';
comment on column bi.sop_completion.due_not_sent is 'Those whose time has come and whose send_status is another one (已到期未发送任务数).';
comment on column bi.sop_completion.completion is 'Share of the tasks whose time has come that were sent, 0 to 1; NULL where no time has come (完成率).';
comment on column bi.sop_completion.tasks_by_status is 'Number of tasks for each send_status as the vendor gives it: an object (各发送状态的任务数).';

create view bi.message_readers as
select m.source, m.process_query_key, m.open_conversation_id as chat_id, c.name as chat_name, m.robot_code,
       m.sent_at, m.send_status, r.first_seen_at as seen_at,
       r.first_seen_at - m.sent_at as seen_after,
       coalesce(r.readers, 0) as new_readers,
       coalesce(sum(r.readers) over (partition by m.source, m.process_query_key order by r.first_seen_at), 0)::bigint
           as readers,
       m.closed_at, m.close_reason
  from groupchat.robot_message m
  left join groupchat.chat c on c.source = m.source and c.chat_id = m.open_conversation_id
  left join (select source, process_query_key, first_seen_at, count(*) as readers
               from groupchat.robot_message_read
              group by source, process_query_key, first_seen_at) r
         on r.source = m.source and r.process_query_key = m.process_query_key;
comment on view   bi.message_readers is 'How many people have read each message of a robot, over time: one row per message and moment at which more of them were seen, and one for a message that nobody has read (机器人消息已读人数).';
comment on column bi.message_readers.source is 'Configured name of the source (数据源).';
comment on column bi.message_readers.process_query_key is 'Id of the message (消息ID).';
comment on column bi.message_readers.chat_id is 'Chat that it was sent to (群ID).';
comment on column bi.message_readers.chat_name is 'Its name; NULL where the chat is not known (群名).';
comment on column bi.message_readers.robot_code is 'Robot that sent it (机器人编码).';
comment on column bi.message_readers.sent_at is 'When it was sent (发送时间).';
comment on column bi.message_readers.send_status is 'The vendor''s word, such as SUCCESS, RECALLED, PROCESSING; NULL until it was read (发送状态).';
comment on column bi.message_readers.seen_at is 'When these readers were first seen; NULL where there are none (首次看到已读的时间).';
comment on column bi.message_readers.seen_after is 'Time from sending until then (发送后经过的时间).';
comment on column bi.message_readers.new_readers is 'Readers first seen at that moment (新增已读人数).';
comment on column bi.message_readers.readers is 'Readers seen until that moment (累计已读人数).';
comment on column bi.message_readers.closed_at is 'Since when readers are not asked for any more; NULL while they are (停止跟踪时间).';
comment on column bi.message_readers.close_reason is 'Why not (停止原因).';

create view bi.chat_everywhere as
select e.chat_id, e.sources,
       w.source as wecom_source, w.name as wecom_name, w.owner_id as wecom_owner_id, w.owner_name as wecom_owner_name,
       w.members as wecom_members, w.gone_at as wecom_gone_at,
       t.source as scrm_source, t.name as scrm_name, t.owner_id as scrm_owner_id, t.owner_name as scrm_owner_name,
       t.department_name as scrm_department_name, k.tasks as scrm_tasks, k.sent as scrm_tasks_sent,
       k.next_at as scrm_next_task_at,
       case when t.source is not null
            then array(select g.tag_name from groupchat.chat_tag g
                        where g.source = t.source and g.chat_id = t.chat_id and g.gone_at is null
                        order by g.tag_name) end as scrm_tags,
       t.gone_at as scrm_gone_at,
       d.source as dingtalk_source, d.name as dingtalk_name, d.owner_id as dingtalk_owner_id,
       d.owner_name as dingtalk_owner_name, d.members as dingtalk_members, d.gone_at as dingtalk_gone_at
  from (select chat_id, array_agg(source order by source) as sources
          from groupchat.chat
         group by chat_id
        having count(*) > 1) e
  left join lateral (select c.* from sync.source s join bi.chats c on c.source = s.source
                      where s.vendor = 'wecom' and c.chat_id = e.chat_id
                      order by c.gone_at desc nulls first, c.source limit 1) w on true
  left join lateral (select c.* from sync.source s join bi.chats c on c.source = s.source
                      where s.vendor = 'scrm' and c.chat_id = e.chat_id
                      order by c.gone_at desc nulls first, c.source limit 1) t on true
  left join lateral (select c.* from sync.source s join bi.chats c on c.source = s.source
                      where s.vendor = 'dingtalk' and c.chat_id = e.chat_id
                      order by c.gone_at desc nulls first, c.source limit 1) d on true
  left join lateral (select count(*) as tasks, count(*) filter (where i.send_status = 1) as sent,
                            min(i.starts_at) filter (where i.starts_at > bi.clock()) as next_at
                       from groupchat.sop_task i
                      where i.source = t.source and i.chat_id = t.chat_id and i.gone_at is null) k
         on t.source is not null;
comment on view   bi.chat_everywhere is 'One row per chat that two or more sources tell of under one id, such as WeCom itself and an SCRM built on it: what each of them says. Of several sources of one vendor, one that still has the chat speaks (跨平台群聊).';
comment on column bi.chat_everywhere.chat_id is 'Id of the chat (客户群ID).';
comment on column bi.chat_everywhere.sources is 'Configured names of the sources that tell of it (数据源).';
comment on column bi.chat_everywhere.wecom_source is 'Source that speaks for WeCom; NULL if none tells of the chat (企业微信数据源).';
comment on column bi.chat_everywhere.wecom_name is 'Name in WeCom (企业微信群名).';
comment on column bi.chat_everywhere.wecom_owner_id is 'User id of the owner in WeCom; ids of vendors differ (企业微信群主ID).';
comment on column bi.chat_everywhere.wecom_owner_name is 'Name of the owner in WeCom (企业微信群主姓名).';
comment on column bi.chat_everywhere.wecom_members is 'People in the chat, as WeCom tells; NULL where that is not known (企业微信群成员数).';
comment on column bi.chat_everywhere.wecom_gone_at is 'When the chat was found to be gone from WeCom; NULL while it is there (企业微信确认消失时间).';
comment on column bi.chat_everywhere.scrm_source is 'Source that speaks for the SCRM; NULL if none tells of the chat (SCRM数据源).';
comment on column bi.chat_everywhere.scrm_name is 'Name in the SCRM (SCRM群名).';
comment on column bi.chat_everywhere.scrm_owner_id is 'User id of the owner in the SCRM; ids of vendors differ (SCRM群主ID).';
comment on column bi.chat_everywhere.scrm_owner_name is 'Name of the owner in the SCRM (SCRM群主姓名).';
comment on column bi.chat_everywhere.scrm_department_name is 'Department of the owner (SCRM群主部门).';
comment on column bi.chat_everywhere.scrm_tasks is 'SOP tasks that are listed now (SCRM任务数).';
comment on column bi.chat_everywhere.scrm_tasks_sent is 'Those with send_status 1, see bi.sop_completion (SCRM已发送任务数).';
comment on column bi.chat_everywhere.scrm_next_task_at is 'When the next of them is to be sent (SCRM下一任务时间).';
comment on column bi.chat_everywhere.scrm_tags is 'Tags that the chat has now (SCRM群标签).';
comment on column bi.chat_everywhere.scrm_gone_at is 'When the chat was found to be gone from the SCRM; NULL while it is there (SCRM确认消失时间).';
comment on column bi.chat_everywhere.dingtalk_source is 'Source that speaks for DingTalk; NULL if none tells of the chat (钉钉数据源).';
comment on column bi.chat_everywhere.dingtalk_name is 'Name in DingTalk (钉钉群名).';
comment on column bi.chat_everywhere.dingtalk_owner_id is 'User id of the owner in DingTalk; ids of vendors differ (钉钉群主ID).';
comment on column bi.chat_everywhere.dingtalk_owner_name is 'Name of the owner in DingTalk (钉钉群主姓名).';
comment on column bi.chat_everywhere.dingtalk_members is 'People in the chat, as DingTalk tells; NULL where that is not known (钉钉群成员数).';
comment on column bi.chat_everywhere.dingtalk_gone_at is 'When the chat was found to be gone from DingTalk; NULL while it is there (钉钉确认消失时间).';

-- +goose Down
drop view bi.chat_everywhere, bi.message_readers, bi.sop_completion, bi.sop_tasks;
comment on column bi.sources.vendor is 'Whose API it is: wecom (平台).';

drop view bi.freshness;
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
  left join lateral (select outcome, started_at, finished_at, resume_at, error from sync.pass
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

create or replace view bi.chats as
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
comment on column bi.chats.members is 'People in the chat now, staff and owner included; NULL until the detail was read (当前群成员数).';
