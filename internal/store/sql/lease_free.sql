-- Gives every lease back, whoever holds it. No parameters.
-- Changes any number of rows. Scans sync.lease.
update sync.lease
   set expires_at = '-infinity'
 where expires_at <> '-infinity'
