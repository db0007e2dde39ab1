-- Opens a pass.
-- $1 source  $2 stream  $3 trigger  $4 scope  $5 full  $6 now
-- Returns its pass_id. Refused by pass_open (23505) while another one is open.
insert into sync.pass (source, stream, trigger, scope, full_read, started_at, outcome)
values ($1, $2, $3, $4, $5, $6, 'running')
returning pass_id
