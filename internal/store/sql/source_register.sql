-- Makes a source known, or finds the one that has its name.
-- $1 source  $2 vendor  $3 account  $4 timezone  $5 now
-- Returns vendor and account as stored, or no row when somebody else adds it in
-- this moment. Uses source_pkey.
with added as (
    insert into sync.source (source, vendor, account, timezone, first_seen_at)
    values ($1, $2, $3, $4, $5)
    on conflict (source) do nothing
    returning vendor, account
)
select vendor, account from added
union all
select vendor, account from sync.source where source = $1
limit 1
