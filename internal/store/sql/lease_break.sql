-- Ends the transactions of a holder whose lease is over. A process that was
-- stopped in the middle of COPY would keep its locks for ever: no timeout of the
-- server looks at a client that owes data.
-- $1 source  $2 stream
-- Returns how many were ended. Uses lease_pkey.
select count(pg_terminate_backend(a.pid))
  from sync.lease l
  join pg_stat_activity a
    on a.datname = current_database() and a.usename = current_user
   and a.application_name = sync.commit_name(l.source, l.stream, l.fence)
 where l.source = $1 and l.stream = $2 and l.expires_at <= clock_timestamp()
