-- +goose Up
-- Lists that may lack records, and why.

alter table sync.pass add column lacking boolean not null default false;
comment on column sync.pass.lacking is 'True when something speaks for records in the list that the pass has not read: syncd sync then ends with 3.';
update sync.pass
   set lacking = true
 where verdict = 'drifted' or verdict = 'unproven' and rejects_blind > 0;
comment on column sync.pass.error is 'Why it is partial or failed, or why its verdict is not complete; without any secret.';
comment on column bi.freshness.last_error is 'Why it is partial or failed, or why its verdict is not complete (原因).';

-- +goose Down
comment on column bi.freshness.last_error is 'Why it is partial or failed (原因).';
comment on column sync.pass.error is 'Why it is partial or failed, without any secret.';
alter table sync.pass drop column lacking;
