-- Notes what counting a pass's records again has shown.
-- $1 pass_id  $2 calls that it took  $3 true when records moved
-- Changes one row. Uses pass_pkey.
update sync.pass
   set calls = calls + $2, shifted = shifted or $3
 where pass_id = $1 and finished_at is null
