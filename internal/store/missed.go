package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// Kinds of sync.finding.
const (
	findingNotGone      = "not_gone"
	findingMass         = "mass_disappearance"
	findingOwnerRefused = "owner_refused"
	findingScope        = "scope_changed"
	findingOutside      = "out_of_reach"
	findingDisorder     = "out_of_order"
	findingNeverProven  = "never_proven"
)

func addFinding(ctx context.Context, tx pgx.Tx, pass model.Pass, kind, subject, detail, remedy string, now time.Time) error {
	_, err := exec(ctx, tx, "finding_add", pass.Source, pass.Stream, kind, subject, pass.ID, detail, remedy, now)
	return err
}

// absence are the statements about records of one kind that a list lacks. They take
// the same arguments, those of candidate_missing, candidate_add, candidate_again and
// chat_gone.
type absence struct{ missing, add, again, gone string }

var absences = map[model.Record]absence{
	model.RecordChat:     {"candidate_missing", "candidate_add", "candidate_again", "chat_gone"},
	model.RecordTask:     {"candidate_missing_task", "candidate_add_task", "candidate_again_task", "sop_task_gone"},
	model.RecordGroupSet: {"candidate_missing_group_set", "candidate_add_group_set", "candidate_again", "group_set_gone"},
}

// missed looks at what a list pass that is about to close has not seen. What it
// has seen is no candidate any more, whatever its verdict; new candidates need a
// complete one.
func missed(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending,
	closing *model.Closing,
) error {
	var counts []missCount
	var known int64
	for _, record := range spec.Lists {
		if err := seenAfterAll(ctx, tx, pass, record); err != nil {
			return err
		}
		if closing.Verdict != model.VerdictComplete {
			continue
		}
		n, err := countMissing(ctx, tx, pass, spec, record)
		if err != nil {
			return err
		}
		if n.held, err = holds(ctx, tx, pass, end, n); err != nil {
			return err
		}
		closing.Candidates += n.missing
		// What stands later in a list belongs to what stands before: the tasks of
		// chats that are held back are held back with them.
		closing.Held = closing.Held || n.held
		n.held = closing.Held
		counts = append(counts, n)
		if n.missing > 0 {
			known += n.known
		}
	}
	if closing.Candidates > 0 {
		if err := noteMissing(ctx, tx, pass, end, *closing, known); err != nil {
			return err
		}
	}
	for _, n := range counts {
		if err := miss(ctx, tx, pass, spec, end, n); err != nil {
			return err
		}
	}
	return nil
}

// missCount is what a pass missed of one kind of record for the first time, and
// what it should have seen. Of owners it has all that it missed.
type missCount struct {
	record         model.Record
	missing, known int64
	owners         []string
	// held says that the breaker holds them back.
	held bool
}

func noteMissing(ctx context.Context, tx pgx.Tx, pass model.Pass, end model.Ending, closing model.Closing, known int64) error {
	if _, err := exec(ctx, tx, "pass_hold", pass.ID, closing.Candidates, closing.Held); err != nil || !closing.Held {
		return err
	}
	detail := fmt.Sprintf("%d of %d records are not in the list any more", closing.Candidates, known)
	remedy := fmt.Sprintf("if that is right: syncd approve %d", pass.ID)
	return addFinding(ctx, tx, pass, findingMass, "", detail, remedy, end.At)
}

// miss makes what there is to make of records that a complete pass lacks, for the first
// time or once more.
func miss(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending, n missCount) error {
	if n.record == model.RecordOwner {
		if n.held || len(n.owners) == 0 {
			return nil
		}
		_, err := exec(ctx, tx, "owner_unlist", pass.Source, n.owners, pass.StartedAt, end.At)
		return err
	}
	if spec.ConfirmedBy == "" && !n.held {
		if err := missedTwice(ctx, tx, pass, n.record, end); err != nil {
			return err
		}
	}
	if spec.ConfirmedBy != "" && n.record == model.RecordChat {
		_, err := exec(ctx, tx, "candidate_wake", pass.Source, pass.Stream, pass.ID, pass.Scope, end.At, restMax, spec.ConfirmedBy)
		if err != nil {
			return err
		}
	}
	if n.missing == 0 {
		return nil
	}
	return addCandidates(ctx, tx, pass, spec, end, n.record, n.held)
}

// restMax is how long a chat that lists lack, and that could be read, is left alone at
// most before it is read again. Each read takes a call of a month that may be short.
const restMax = 90 * 24 * time.Hour

// codeMissedTwice is the gone_reason of a record that two complete passes lack and
// that nothing reads directly.
const codeMissedTwice = "missing from two complete passes"

// missedTwice marks as gone what an earlier complete pass missed as well.
func missedTwice(ctx context.Context, tx pgx.Tx, pass model.Pass, record model.Record, end model.Ending) error {
	ids, err := column(ctx, tx, absences[record].again, pass.Source, pass.Stream, record, pass.ID, pass.StartedAt, pass.Scope)
	if err != nil || len(ids) == 0 {
		return err
	}
	slices.Sort(ids)
	reasons, at := make([]string, len(ids)), make([]time.Time, len(ids))
	for i := range ids {
		reasons[i], at[i] = codeMissedTwice, end.At
	}
	if _, err = exec(ctx, tx, absences[record].gone, pass.Source, ids, reasons, at); err != nil {
		return err
	}
	if record == model.RecordChat {
		if _, err = exec(ctx, tx, "chat_member_gone", pass.Source, ids, make([]*time.Time, len(ids)), at); err != nil {
			return err
		}
	}
	_, err = exec(ctx, tx, "candidate_drop", pass.Source, pass.Stream, record, ids)
	return err
}

// column runs a statement that returns one column of texts.
func column(ctx context.Context, tx pgx.Tx, name string, args ...any) ([]string, error) {
	rows, err := tx.Query(ctx, q(name), args...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return list, nil
}

// seenAfterAll clears the candidates that the pass has seen.
func seenAfterAll(ctx context.Context, tx pgx.Tx, pass model.Pass, record model.Record) error {
	ids, err := column(ctx, tx, "candidate_seen", pass.Source, pass.Stream, record, pass.ID)
	if err != nil || len(ids) == 0 {
		return err
	}
	_, err = exec(ctx, tx, "candidate_drop", pass.Source, pass.Stream, record, ids)
	return err
}

func countMissing(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, record model.Record) (missCount, error) {
	n := missCount{record: record}
	var err error
	if record == model.RecordOwner {
		err = tx.QueryRow(ctx, q("owner_missing"), pass.Source, pass.ID, pass.Scope, pass.StartedAt).
			Scan(&n.missing, &n.known, &n.owners)
	} else {
		err = tx.QueryRow(ctx, q(absences[record].missing), pass.Source, pass.Stream, pass.ID, pass.Scope, pass.StartedAt,
			timeOrNull(spec.Bounds.Until(pass.StartedAt))).Scan(&n.missing, &n.known)
	}
	if err != nil {
		return n, fmt.Errorf("count missing %ss: %w", record, err)
	}
	return n, nil
}

// holds reports whether the breaker holds back what a pass missed. What an approval
// has let through is not counted again, for it is a candidate by now. Owners are none:
// those whom the pass before missed, and somebody approved, are left out here.
func holds(ctx context.Context, tx pgx.Tx, pass model.Pass, end model.Ending, n missCount) (bool, error) {
	held := end.Breaker.Holds(n.missing, n.known)
	if !held || n.record != model.RecordOwner {
		return held, nil
	}
	var approved int64
	err := tx.QueryRow(ctx, q("pass_approved"), pass.Source, pass.Stream, pass.Mode).Scan(&approved)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("pass_approved: %w", err)
	}
	return end.Breaker.Holds(n.missing-approved, n.known), nil
}

// addCandidates makes candidates, and has those that are not held read at once.
func addCandidates(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending,
	record model.Record, held bool,
) error {
	ids, err := column(ctx, tx, absences[record].add, pass.Source, pass.Stream, pass.ID, pass.Scope, pass.StartedAt,
		timeOrNull(spec.Bounds.Until(pass.StartedAt)), end.At, held, spec.ConfirmedBy)
	if err != nil || held || len(ids) == 0 || spec.ConfirmedBy == "" {
		return err
	}
	_, err = exec(ctx, tx, "item_hasten", pass.Source, spec.ConfirmedBy, ids, end.At)
	return err
}

// ErrNothingToApprove means that a pass is not held back.
var ErrNothingToApprove = errors.New("nothing to approve: the pass is not held back, was approved before, " +
	"or a later pass has taken its place; `syncd status` names the one that waits")

// Approve lets what a held pass missed through to confirmation, once. It returns
// the source, the stream and how many records that are.
func (s *Store) Approve(ctx context.Context, passID int64, now time.Time,
) (source, stream string, missed int64, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, q("pass_approve"), passID, now).Scan(&source, &stream, &missed)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNothingToApprove
		}
		if err != nil {
			return fmt.Errorf("pass_approve: %w", err)
		}
		confirmers := map[string][]string{}
		var id, confirmer string
		err = each(ctx, tx, "candidate_release", []any{source, stream, passID}, []any{&id, &confirmer}, func() {
			confirmers[confirmer] = append(confirmers[confirmer], id)
		})
		if err != nil {
			return err
		}
		delete(confirmers, "") // the next complete pass confirms these
		for _, confirmer := range sortedKeys(confirmers) {
			if _, err := exec(ctx, tx, "item_hasten", source, confirmer, confirmers[confirmer], now); err != nil {
				return err
			}
		}
		return nil
	})
	return source, stream, missed, err
}
