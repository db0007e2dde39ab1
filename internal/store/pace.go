package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/internal/model"
)

const (
	// grantSpan is how much time one block of calls takes: what a process that dies
	// leaves unused.
	grantSpan = time.Second
	// grantShare is the largest part of an hour's calls that a block has.
	grantShare = 200
)

// PaceOptions say what a source may call. 0 is no limit.
type PaceOptions struct {
	Source                        string
	PerSecond, PerMinute, PerHour int
}

// Pace is the budget of one source per second, minute and hour, kept in the
// database: all processes together never call faster. The database's clock counts.
//
// Calls may overlap.
type Pace struct {
	pool *pgxpool.Pool
	PaceOptions
}

// NewPace returns the pace of a source.
func NewPace(s *Store, options PaceOptions) *Pace { return &Pace{pool: s.pool, PaceOptions: options} }

// every is the time between two calls; 0 without a limit per second or minute.
func (p *Pace) every() time.Duration {
	var d time.Duration
	if p.PerSecond > 0 {
		d = time.Second / time.Duration(p.PerSecond)
	}
	if p.PerMinute > 0 {
		d = max(d, time.Minute/time.Duration(p.PerMinute))
	}
	return d
}

// block is how many calls are reserved at once.
func (p *Pace) block() int {
	n := 100
	if every := p.every(); every > 0 {
		n = max(int(grantSpan/every), 1)
	}
	if p.PerHour > 0 {
		n = min(n, max(p.PerHour/grantShare, 1))
	}
	return n
}

// Reserve books the next block of calls at an endpoint, "" being all of the source
// together.
func (p *Pace) Reserve(ctx context.Context, endpoint string) (model.CallGrant, error) {
	grant := model.CallGrant{Calls: p.block(), Every: p.every()}
	err := bounded(ctx, p.pool, func(tx pgx.Tx) error {
		var wait float64
		err := tx.QueryRow(ctx, q("call_pace_take"), p.Source, endpoint, grant.Calls, grant.Every.Seconds()).Scan(&wait)
		if err != nil {
			return fmt.Errorf("call_pace_take: %w", err)
		}
		grant.Wait = time.Duration(wait * float64(time.Second))
		if p.PerHour <= 0 {
			return nil
		}
		return p.countHour(ctx, tx, endpoint, &grant)
	})
	if err != nil {
		return model.CallGrant{}, err
	}
	return grant, nil
}

// countHour cuts a block to what the hour has left. The row of the pace is held, so
// that nobody counts beside it.
func (p *Pace) countHour(ctx context.Context, tx pgx.Tx, endpoint string, grant *model.CallGrant) error {
	var used int
	var wait float64
	if err := tx.QueryRow(ctx, q("call_minute_sum"), p.Source, endpoint).Scan(&used, &wait); err != nil {
		return fmt.Errorf("call_minute_sum: %w", err)
	}
	grant.Calls = min(grant.Calls, p.PerHour-used)
	if grant.Calls <= 0 {
		*grant = model.CallGrant{
			Wait: time.Duration(wait * float64(time.Second)), Why: fmt.Sprintf("the hour's budget of %d calls is spent", p.PerHour),
		}
		return nil
	}
	_, err := exec(ctx, tx, "call_minute_add", p.Source, endpoint, grant.Calls)
	return err
}
