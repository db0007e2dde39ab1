package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// TakeLease takes the lease of a stream for ttl. While another holder is live
// the error is a [*model.LeaseHeldError].
func (s *Store) TakeLease(ctx context.Context, source, stream, holder string, ttl time.Duration,
) (model.Lease, error) {
	lease := model.Lease{Source: source, Stream: stream, Holder: holder}
	// Between the refusal and the look at who refused, the holder may have gone:
	// ask again.
	for range 3 {
		err := s.pool.QueryRow(ctx, q("lease_take"), source, stream, holder, ttl.Seconds()).Scan(&lease.Fence)
		if err == nil {
			return lease, nil
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return lease, fmt.Errorf("lease_take: %w", err)
		}
		held := &model.LeaseHeldError{Source: source, Stream: stream}
		err = s.pool.QueryRow(ctx, q("lease_get"), source, stream).
			Scan(&held.Holder, &held.TakenAt, &held.ExpiresAt)
		if err == nil {
			return lease, held
		}
		if !errors.Is(err, pgx.ErrNoRows) {
			return lease, fmt.Errorf("lease_get: %w", err)
		}
	}
	return lease, fmt.Errorf("lease_take: %s/%s changes hands too fast", source, stream)
}

// RenewLease moves the end of the lease to ttl from now, or returns
// [model.ErrLeaseLost].
func (s *Store) RenewLease(ctx context.Context, lease model.Lease, ttl time.Duration) error {
	tag, err := s.pool.Exec(ctx, q("lease_renew"), lease.Source, lease.Stream, lease.Fence, ttl.Seconds())
	if err != nil {
		return fmt.Errorf("lease_renew: %w", err)
	}
	if tag.RowsAffected() == 0 {
		return model.ErrLeaseLost
	}
	return nil
}

// ReleaseLease gives the lease back. A lease that was lost already is no error.
func (s *Store) ReleaseLease(ctx context.Context, lease model.Lease) error {
	_, err := s.pool.Exec(ctx, q("lease_release"), lease.Source, lease.Stream, lease.Fence)
	if err != nil {
		return fmt.Errorf("lease_release: %w", err)
	}
	return nil
}

// fenced runs work in a transaction that holds the lease, and returns
// [model.ErrLeaseLost], with nothing done, when it is somebody else's.
func (s *Store) fenced(ctx context.Context, lease model.Lease, work func(pgx.Tx) error) error {
	return pgx.BeginFunc(ctx, s.pool, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, q("tx_guard"), lease.Source, lease.Stream, lease.Fence,
			milliseconds(idleInTransactionMax), milliseconds(statementMax))
		if err != nil {
			return fmt.Errorf("tx_guard: %w", err)
		}
		if tag.RowsAffected() == 0 {
			return model.ErrLeaseLost
		}
		return work(tx)
	})
}

func milliseconds(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) }
