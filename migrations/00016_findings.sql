-- +goose Up
-- What a list can leave behind for a person to look at.

comment on column sync.finding.kind is 'What kind of thing: scope_changed, not_gone, mass_disappearance, owner_refused, out_of_reach, out_of_order, never_proven; or a rule of syncd verify: never_detailed, unknown_owner, pass_total, sum_ and a figure.';
comment on column sync.checkpoint.unordered is 'True when the vendor has shown an older record after a younger one; until the chain has come to its end the watermark says nothing then.';

-- +goose Down
comment on column sync.checkpoint.unordered is 'True when the vendor has shown an older record after a younger one; the watermark says nothing then.';
comment on column sync.finding.kind is 'What kind of thing: scope_changed, not_gone, mass_disappearance, owner_refused, out_of_reach; or a rule of syncd verify: never_detailed, unknown_owner, pass_total, sum_ and a figure.';
