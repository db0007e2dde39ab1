-- Compares what the chains of a list pass have seen with the vendor's totals.
-- $1 pass_id
-- Returns how many different ids the chains with totals have seen, added up, and
-- whether one of the totals changed or is not that number; null and false without
-- totals. Uses page_pkey.
with part as materialized (
    select p.subject, p.record, p.ids, p.total_low, p.total_high
      from sync.page p
     where p.pass_id = $1 and p.record in (select t.record from sync.page t
                                            where t.pass_id = $1 and t.total_low is not null)
),
chain as (
    select p.subject, p.record, min(p.total_low) as low, max(p.total_high) as high,
           (select count(distinct u.id)
              from part o
             cross join unnest(o.ids) as u (id)
             where o.subject = p.subject and o.record = p.record) as seen
      from part p
     group by p.subject, p.record
    having min(p.total_low) is not null
)
select sum(seen)::bigint, coalesce(bool_or(low <> high or low <> seen), false)
  from chain
