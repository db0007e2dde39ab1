-- Removes elements that were set aside and have not been seen since.
-- $1 seen before  $2 how many at most
-- Changes as many rows. Scans the table.
delete from sync.reject
 where ctid = any (array(select ctid from sync.reject where last_seen_at < $1 limit $2))
