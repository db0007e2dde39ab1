-- Makes the views about coverage speak of another moment than now, until the
-- transaction ends. It is written so that no DateStyle reads it as another one.
-- $1 moment
-- Returns it as a text.
select set_config('syncd.now', to_char($1::timestamptz at time zone 'UTC', 'YYYY-MM-DD HH24:MI:SS.US') || 'Z', true)
