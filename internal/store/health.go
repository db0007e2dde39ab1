package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Health is what a database says of itself, for a person who asks why nothing
// works.
type Health struct {
	// VersionNum is 150018 for Version "15.18".
	VersionNum int
	Version    string
	Database   string
	User       string
	// Encoding is "UTF8" where every text can be stored.
	Encoding string
	// ReadOnly says that it is a standby, or that writing is switched off.
	ReadOnly bool
	// ClockAhead is by how much its clock is ahead of ours, give or take half of
	// ClockWithin.
	ClockAhead, ClockWithin time.Duration
	Bytes                   int64
	// MayCreate says that the user may create schemas, as migrations do.
	MayCreate bool
	// Lacks are the privileges on existing tables that a sync needs and the user
	// does not have: "insert on groupchat.chat".
	Lacks []string
}

// Inspect asks a database how it is. The schema need not be there. It changes
// nothing.
func Inspect(ctx context.Context, pool *pgxpool.Pool) (Health, error) {
	var h Health
	err := pool.AcquireFunc(ctx, func(conn *pgxpool.Conn) error {
		var clock time.Time
		asked := time.Now()
		err := conn.QueryRow(ctx, q("health_get")).Scan(&h.VersionNum, &h.Version, &h.Database, &h.User, &h.Encoding,
			&h.ReadOnly, &clock, &h.Bytes, &h.MayCreate)
		if err != nil {
			return fmt.Errorf("health_get: %w", err)
		}
		h.ClockWithin = time.Since(asked)
		h.ClockAhead = clock.Sub(asked.Add(h.ClockWithin / 2))
		rows, err := conn.Query(ctx, q("health_lacks"))
		if err == nil {
			h.Lacks, err = pgx.CollectRows(rows, pgx.RowTo[string])
		}
		if err != nil {
			return fmt.Errorf("health_lacks: %w", err)
		}
		return nil
	})
	return h, err
}

// HeldLease is a lease that was not given back.
type HeldLease struct {
	Source, Stream, Holder string
	TakenAt                time.Time
	// Held is since when, ValidFor how long it lasts unless it is renewed; at or
	// below 0 it is over, and its holder ended without giving it back.
	Held, ValidFor time.Duration
}

// HeldLeases lists the leases that were not given back.
func (s *Store) HeldLeases(ctx context.Context) ([]HeldLease, error) {
	rows, err := s.pool.Query(ctx, q("lease_list"))
	if err != nil {
		return nil, fmt.Errorf("lease_list: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (HeldLease, error) {
		var l HeldLease
		var held, valid float64
		err := row.Scan(&l.Source, &l.Stream, &l.Holder, &l.TakenAt, &held, &valid)
		l.Held, l.ValidFor = seconds(held), seconds(valid)
		return l, err
	})
	if err != nil {
		return nil, fmt.Errorf("lease_list: %w", err)
	}
	return list, nil
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// FreeLeases gives every lease back. It is for a process that has just started
// the database itself, so that whoever held a lease is gone: waiting for its end
// would be for nothing. Should a holder live after all, its next commit after
// somebody else has taken the lease is refused like any other.
func (s *Store) FreeLeases(ctx context.Context) error {
	if _, err := s.pool.Exec(ctx, q("lease_free")); err != nil {
		return fmt.Errorf("lease_free: %w", err)
	}
	return nil
}
