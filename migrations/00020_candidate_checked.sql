-- +goose Up
-- What a list lacks and can be read all the same is read more and more seldom.

alter table sync.candidate add column checked_at timestamptz;
comment on column sync.candidate.checked_at is 'When a direct read for its sake last showed that it is there, although the list lacks it; NULL before, and once it is to be read again.';

-- +goose Down
delete from sync.candidate where checked_at is not null;
alter table sync.candidate drop column checked_at;
