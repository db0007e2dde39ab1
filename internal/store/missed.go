package store

import (
	"context"
	"errors"
	"fmt"
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
)

func addFinding(ctx context.Context, tx pgx.Tx, pass model.Pass, kind, subject, detail, remedy string, now time.Time) error {
	_, err := exec(ctx, tx, "finding_add", pass.Source, pass.Stream, kind, subject, pass.ID, detail, remedy, now)
	return err
}

// missed looks at what a list pass that is about to close has not seen. What it
// has seen is no candidate any more, whatever its verdict; new candidates need a
// complete one.
func missed(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending,
	closing *model.Closing,
) error {
	if err := seenAfterAll(ctx, tx, pass); err != nil {
		return err
	}
	if closing.Verdict != model.VerdictComplete {
		return nil
	}
	known, owners, err := countMissing(ctx, tx, pass, spec, closing)
	if err != nil || closing.Candidates == 0 && spec.Lists != model.RecordOwner {
		return err
	}
	if closing.Held = end.Breaker.Holds(closing.Candidates, known); closing.Held {
		if closing.Held, err = notApproved(ctx, tx, pass); err != nil {
			return err
		}
	}
	if _, err := exec(ctx, tx, "pass_hold", pass.ID, closing.Candidates, closing.Held); err != nil {
		return err
	}
	if closing.Held {
		detail := fmt.Sprintf("%d of %d records are not in the list any more", closing.Candidates, known)
		remedy := fmt.Sprintf("if that is right: syncd approve %d", pass.ID)
		if err := addFinding(ctx, tx, pass, findingMass, "", detail, remedy, end.At); err != nil {
			return err
		}
	}
	switch {
	case spec.Lists == model.RecordChat:
		return missChats(ctx, tx, pass, spec, end, closing.Held)
	case spec.Lists == model.RecordOwner && !closing.Held:
		_, err = exec(ctx, tx, "owner_unlist", pass.Source, owners, pass.StartedAt, end.At)
	}
	return err
}

// seenAfterAll clears the candidates that the pass has seen.
func seenAfterAll(ctx context.Context, tx pgx.Tx, pass model.Pass) error {
	rows, err := tx.Query(ctx, q("candidate_seen"), pass.Source, pass.Stream, pass.ID)
	if err != nil {
		return fmt.Errorf("candidate_seen: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("candidate_seen: %w", err)
	}
	if len(ids) == 0 {
		return nil
	}
	_, err = exec(ctx, tx, "candidate_drop", pass.Source, pass.Stream, ids)
	return err
}

// countMissing counts what the pass missed for the first time, and what it
// should have seen. Of owners it also returns all that it missed.
func countMissing(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, closing *model.Closing,
) (known int64, owners []string, err error) {
	switch spec.Lists {
	case model.RecordChat:
		err = tx.QueryRow(ctx, q("candidate_missing"), pass.Source, pass.Stream, pass.ID, pass.Scope, pass.StartedAt).
			Scan(&closing.Candidates, &known)
	case model.RecordOwner:
		err = tx.QueryRow(ctx, q("owner_missing"), pass.Source, pass.ID, pass.Scope, pass.StartedAt).
			Scan(&closing.Candidates, &known, &owners)
	}
	if err != nil {
		return 0, nil, fmt.Errorf("count missing %ss: %w", spec.Lists, err)
	}
	return known, owners, nil
}

// notApproved reports whether nobody has approved the pass before this one,
// which was held back as well.
func notApproved(ctx context.Context, tx pgx.Tx, pass model.Pass) (bool, error) {
	var approved bool
	err := tx.QueryRow(ctx, q("pass_approved"), pass.Source, pass.Stream).Scan(&approved)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return false, fmt.Errorf("pass_approved: %w", err)
	}
	return !approved, nil
}

// missChats makes candidates, and has those that are not held read at once.
func missChats(ctx context.Context, tx pgx.Tx, pass model.Pass, spec model.StreamSpec, end model.Ending, held bool) error {
	rows, err := tx.Query(ctx, q("candidate_add"), pass.Source, pass.Stream, pass.ID, pass.Scope, pass.StartedAt, end.At, held,
		spec.ConfirmedBy)
	if err != nil {
		return fmt.Errorf("candidate_add: %w", err)
	}
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("candidate_add: %w", err)
	}
	if held || len(ids) == 0 {
		return nil
	}
	_, err = exec(ctx, tx, "item_hasten", pass.Source, spec.ConfirmedBy, ids, end.At)
	return err
}

// ErrNothingToApprove means that a pass is not held back.
var ErrNothingToApprove = errors.New("nothing to approve: the pass is not held back, was approved before, " +
	"or a later pass has taken its place; `syncd status` names the one that waits")

// Approve lets what a held pass missed through to confirmation, once. It returns
// the source, the stream and how many candidates there are.
func (s *Store) Approve(ctx context.Context, passID int64, now time.Time,
) (source, stream string, candidates int, err error) {
	err = pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error {
		err := tx.QueryRow(ctx, q("pass_approve"), passID, now).Scan(&source, &stream)
		if errors.Is(err, pgx.ErrNoRows) {
			return ErrNothingToApprove
		}
		if err != nil {
			return fmt.Errorf("pass_approve: %w", err)
		}
		rows, err := tx.Query(ctx, q("candidate_release"), source, stream, passID)
		if err != nil {
			return fmt.Errorf("candidate_release: %w", err)
		}
		confirmers := map[string][]string{}
		var id, confirmer string
		_, err = pgx.ForEachRow(rows, []any{&id, &confirmer}, func() error {
			confirmers[confirmer] = append(confirmers[confirmer], id)
			candidates++
			return nil
		})
		if err != nil {
			return fmt.Errorf("candidate_release: %w", err)
		}
		for _, confirmer := range sortedKeys(confirmers) {
			if _, err := exec(ctx, tx, "item_hasten", source, confirmer, confirmers[confirmer], now); err != nil {
				return err
			}
		}
		return nil
	})
	return source, stream, candidates, err
}
