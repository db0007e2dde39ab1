-- Notes the ids that a list pass has seen.
-- $1 pass_id  $2 ids, distinct and sorted
-- Returns how many of them are new to the pass. Uses page_pkey.
with added as (
    insert into sync.page (pass_id, id)
    select $1, unnest($2::text[])
    on conflict do nothing
    returning 1
)
select count(*) from added
