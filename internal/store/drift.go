package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// vendorTotals are how many records the vendor counted when a list pass began and
// when it ended; nil where it did not.
type vendorTotals struct{ first, last *int64 }

// steady reports whether the vendor counted as many records in the end as it did when
// the pass began.
func (t vendorTotals) steady() bool { return t.first != nil && t.last != nil && *t.first == *t.last }

// certify gives a list pass that is complete its verdict.
func certify(ctx context.Context, tx pgx.Tx, pass model.Pass, end model.Ending, ids seenIDs, closing *model.Closing,
) (vendorTotals, error) {
	facts := model.PassFacts{FinishedAt: end.At, TotalsMoved: ids.moved}
	var noted int64
	var totals vendorTotals
	err := tx.QueryRow(ctx, q("pass_facts"), pass.ID).Scan(&facts.Restarts, &facts.RejectsBlind, &noted, &facts.Shifted,
		&facts.StartedAt, &facts.SameScope, &totals.first, &totals.last)
	if err != nil {
		return totals, fmt.Errorf("pass_facts: %w", err)
	}
	facts.IDsLost = ids.all != noted
	closing.Verdict, closing.Why = facts.Certify()
	closing.Lacking = facts.Lacking()
	return totals, nil
}

// judgeDrift counts how many passes in a row have drifted. Where more than are repeated
// by themselves prove nothing, for whatever reason, nothing that vanishes is found gone: a
// finding says so, and why, until a pass proves everything.
func judgeDrift(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending,
	totals vendorTotals, ids seenIDs, closing *model.Closing,
) (err error) {
	if closing.Verdict == model.VerdictDrifted {
		if closing.Drifted, err = inARow(ctx, tx, "pass_drifted", pass); err != nil {
			return err
		}
	}
	if len(spec.Lists) == 0 {
		return nil
	}
	if closing.Verdict == model.VerdictComplete {
		_, err := exec(ctx, tx, "finding_end", pass.Source, pass.Stream, findingNeverProven, pass.Mode, end.At)
		return err
	}
	n, err := inARow(ctx, tx, "pass_unproven", pass)
	if err != nil || n <= max(1, int64(spec.DriftRepeats)) {
		return err
	}
	why, remedy := closing.Why, ""
	switch {
	case closing.Verdict != model.VerdictDrifted:
	case totals.steady() && ids.counted != nil && *ids.counted != *totals.first:
		why, remedy = fmt.Sprintf("the vendor counts %d records and lists %d", *totals.first, *ids.counted), spec.TotalsRemedy
	default:
		remedy = fmt.Sprintf("syncd sync --full %s/%s", pass.Source, pass.Stream)
	}
	detail := fmt.Sprintf("%d lists in a row prove nothing, and nothing that has vanished is found gone: %s", n, why)
	return addFinding(ctx, tx, pass, findingNeverProven, pass.Mode, detail, remedy, end.At)
}

// inARow is how many passes of the mode, with this one, a statement counts.
func inARow(ctx context.Context, tx pgx.Tx, statement string, pass model.Pass) (int64, error) {
	var earlier int64
	if err := tx.QueryRow(ctx, q(statement), pass.Source, pass.Stream, pass.Mode).Scan(&earlier); err != nil {
		return 0, fmt.Errorf("%s: %w", statement, err)
	}
	return earlier + 1, nil
}
