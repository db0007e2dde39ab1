-- Counts the ids that a list pass has seen.
-- $1 pass_id
-- Returns how many different ones, and how many with repetitions. Uses page_pkey.
select count(*), coalesce(sum(i.seen), 0)::bigint
  from (select count(*) as seen
          from sync.page p
         cross join unnest(p.ids) as u (id)
         where p.pass_id = $1
         group by p.record, u.id) i
