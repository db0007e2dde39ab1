package store

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

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
		took, busy, err := s.tryLease(ctx, &lease, ttl)
		if took || err != nil {
			return lease, err
		}
		held := &model.LeaseHeldError{Source: source, Stream: stream}
		var seconds float64
		err = s.pool.QueryRow(ctx, q("lease_get"), source, stream).Scan(&held.Holder, &held.TakenAt, &seconds)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return lease, fmt.Errorf("lease_get: %w", err)
		}
		if err == nil && seconds > 0 {
			return lease, held
		}
		if busy {
			if err := s.breakLease(ctx, source, stream); err != nil {
				return lease, err
			}
		}
	}
	return lease, fmt.Errorf("lease_take: %s/%s changes hands too fast", source, stream)
}

// leaseLockMax is how long taking a lease waits for a commit of its last holder.
const leaseLockMax = time.Second

// tryLease reports whether it took the lease, and whether a transaction of the
// last holder, who may have been stopped in the middle of it, is in the way.
func (s *Store) tryLease(ctx context.Context, lease *model.Lease, ttl time.Duration) (took, busy bool, err error) {
	err = bounded(ctx, s.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, q("tx_hurry"), milliseconds(leaseLockMax)); err != nil {
			return fmt.Errorf("tx_hurry: %w", err)
		}
		err := tx.QueryRow(ctx, q("lease_take"), lease.Source, lease.Stream, lease.Holder, ttl.Seconds()).
			Scan(&lease.Fence)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return fmt.Errorf("lease_take: %w", err)
		}
		took = err == nil
		return nil
	})
	if sqlState(err) == "55P03" {
		return false, true, nil
	}
	return took && err == nil, false, err
}

// breakLease ends the transaction in which the last holder of an expired lease
// was stopped.
func (s *Store) breakLease(ctx context.Context, source, stream string) error {
	var ended int
	if err := s.pool.QueryRow(ctx, q("lease_break"), source, stream).Scan(&ended); err != nil {
		return fmt.Errorf("lease_break: %w", err)
	}
	return nil
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

// transactionTries is how often a transaction that met another writer is tried.
const transactionTries = 4

// fenced runs work in a transaction that holds the lease, and returns
// [model.ErrLeaseLost], with nothing done, when it is somebody else's. One that
// met another writer is repeated whole, so work may be called again.
func (s *Store) fenced(ctx context.Context, lease model.Lease, work func(pgx.Tx) error) error {
	err := s.fencedTx(ctx, lease, work)
	for try := 1; repeatable(err) && try < transactionTries; try++ {
		err = s.fencedTx(ctx, lease, work)
	}
	if err != nil && sqlState(err) == "" && !errors.Is(err, model.ErrLeaseLost) || sqlState(err) == "57P01" {
		// The connection broke: perhaps because who took the lease broke it.
		var fence int64
		lost := s.pool.QueryRow(ctx, q("lease_check"), lease.Source, lease.Stream, lease.Fence).Scan(&fence)
		if errors.Is(lost, pgx.ErrNoRows) {
			return fmt.Errorf("%w (%w)", model.ErrLeaseLost, err)
		}
	}
	return err
}

// readCommitted is what the statements were written for: each of them sees what
// was committed while it waited for a lock. A database may have another default.
var readCommitted = pgx.TxOptions{IsoLevel: pgx.ReadCommitted}

// bounded runs work in a transaction that the server ends when it idles: others
// wait for what it has locked, and its process may have been stopped.
func bounded(ctx context.Context, pool *pgxpool.Pool, work func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, pool, readCommitted, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, q("tx_bound"), milliseconds(idleInTransactionMax)); err != nil {
			return fmt.Errorf("tx_bound: %w", err)
		}
		return work(tx)
	})
}

func (s *Store) fencedTx(ctx context.Context, lease model.Lease, work func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error {
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
