package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// judgeDrift counts how many passes in a row have drifted. Where that are more than are
// repeated by themselves, nothing that vanishes is ever found gone: a finding says so,
// and why, until a pass proves everything.
func judgeDrift(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending,
	totals vendorTotals, ids seenIDs, closing *model.Closing,
) error {
	if closing.Verdict != model.VerdictDrifted {
		if closing.Verdict != model.VerdictComplete || len(spec.Lists) == 0 {
			return nil
		}
		_, err := exec(ctx, tx, "finding_end", pass.Source, pass.Stream, findingNeverProven, pass.Mode, end.At)
		return err
	}
	err := tx.QueryRow(ctx, q("pass_drifted"), pass.Source, pass.Stream, pass.Mode).Scan(&closing.Drifted)
	if err != nil {
		return fmt.Errorf("pass_drifted: %w", err)
	}
	closing.Drifted++ // this one
	if len(spec.Lists) == 0 || closing.Drifted <= max(1, int64(spec.DriftRepeats)) {
		return nil
	}
	why, remedy := "records moved while they were listed", fmt.Sprintf("syncd sync --full %s/%s", pass.Source, pass.Stream)
	if totals.steady() && ids.counted != nil && *ids.counted != *totals.first {
		why, remedy = fmt.Sprintf("the vendor counts %d records and lists %d", *totals.first, *ids.counted), spec.TotalsRemedy
	}
	detail := fmt.Sprintf("%d lists in a row prove nothing, and nothing that has vanished is found gone: %s", closing.Drifted, why)
	return addFinding(ctx, tx, pass, findingNeverProven, pass.Mode, detail, remedy, end.At)
}

// steady reports whether the vendor counted as many records in the end as it did when
// the pass began.
func (t vendorTotals) steady() bool { return t.first != nil && t.last != nil && *t.first == *t.last }
