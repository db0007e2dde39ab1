-- Opens a pass.
-- $1 source  $2 stream  $3 mode  $4 trigger  $5 scope  $6 full  $7 now
-- Returns its pass_id. Refused by pass_open (23505) while another one is open.
insert into sync.pass (source, stream, mode, trigger, scope, full_read, started_at, outcome)
values ($1, $2, $3, $4, $5, $6, $7, 'running')
returning pass_id
