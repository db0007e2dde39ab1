-- Notes that a slice of a source begins.
-- $1 source
-- Changes one row. Uses source_health_pkey.
insert into sync.source_health as h (source, served_at)
values ($1, clock_timestamp())
on conflict (source) do update set served_at = excluded.served_at
