-- +goose Up
-- Findings of lists can end, too.

comment on column sync.finding.cleared_at is 'When it was first no longer found, by syncd verify or, of never_proven, by a list that proves everything; NULL while it stands, and for the other kinds.';

-- +goose Down
comment on column sync.finding.cleared_at is 'When syncd verify first no longer found it; NULL while it stands, and for what verify does not look at.';
