-- Tells the totals that the vendor gave for the chains of a list pass.
-- $1 pass_id
-- Returns subject and greatest total, of chains with totals. Uses page_pkey.
select subject, max(total_high)
  from sync.page
 where pass_id = $1 and total_high is not null
 group by subject
