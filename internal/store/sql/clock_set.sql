-- Makes the views about coverage speak of another moment than now, until the
-- transaction ends.
-- $1 moment
-- Returns it as a text.
select set_config('syncd.now', $1::timestamptz::text, true)
