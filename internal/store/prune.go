package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// pruneBatch is how many rows one transaction looks at or removes.
const pruneBatch = 1000

// Pruned is how many rows were removed.
type Pruned struct{ Passes, Rejects int64 }

// Prune removes bookkeeping that nobody needs any more: passes that ended before
// passes, but for those that say how things stand, and elements set aside that were
// not seen since rejects. Batches are small, and one process at a time works: where
// another one does, it returns early and without error. Facts are never touched.
func (s *Store) Prune(ctx context.Context, passes, rejects time.Time) (Pruned, error) {
	var done Pruned
	after, more := int64(0), true
	for more {
		ours, err := s.tidy(ctx, func(tx pgx.Tx) error {
			var removed int64
			if err := tx.QueryRow(ctx, q("pass_prune"), after, passes, pruneBatch).Scan(&removed, &after, &more); err != nil {
				return fmt.Errorf("pass_prune: %w", err)
			}
			done.Passes += removed
			return nil
		})
		if err != nil || !ours {
			return done, err
		}
	}
	for more = true; more; {
		ours, err := s.tidy(ctx, func(tx pgx.Tx) error {
			removed, err := exec(ctx, tx, "reject_prune", rejects, pruneBatch)
			done.Rejects += removed
			more = removed == pruneBatch
			return err
		})
		if err != nil || !ours {
			return done, err
		}
	}
	return done, nil
}

// tidy runs work in a transaction, unless another process is tidying up.
func (s *Store) tidy(ctx context.Context, work func(pgx.Tx) error) (ours bool, err error) {
	err = bounded(ctx, s.pool, func(tx pgx.Tx) error {
		if err := tx.QueryRow(ctx, q("housekeeping_lock")).Scan(&ours); err != nil {
			return fmt.Errorf("housekeeping_lock: %w", err)
		}
		if !ours {
			return nil
		}
		return work(tx)
	})
	return ours, err
}
