package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store"
)

// boundMeter is the meter of a source whose database is opened after its client
// was made.
type boundMeter struct{ meter atomic.Pointer[fetch.Meter] }

// count has the calls of the source counted in the database.
func (s *source) count(db *store.Store, now func() time.Time) {
	if s.meter != nil {
		s.meter.bind(s.newMeter(db, now))
	}
	if s.pacer != nil {
		s.pacer.pace.Store(store.NewPace(db, store.PaceOptions{
			Source: s.Name, PerSecond: s.Limits.PerSecond, PerMinute: s.Limits.PerMinute, PerHour: s.Limits.PerHour,
		}))
	}
}

// boundPacer is what boundMeter is, for the limits per second, minute and hour.
// Without a database, for the few calls of doctor, it lets everything pass.
type boundPacer struct{ pace atomic.Pointer[store.Pace] }

// Reserve books a block of calls.
func (p *boundPacer) Reserve(ctx context.Context, endpoint string) (model.CallGrant, error) {
	to := p.pace.Load()
	if to == nil {
		return model.CallGrant{Calls: 1}, nil
	}
	return to.Reserve(ctx, endpoint)
}

// newMeter is what counts them, for a source with a limit by the month.
func (s *source) newMeter(db *store.Store, now func() time.Time) *store.Meter {
	return store.NewMeter(db, store.MeterOptions{
		Source: s.Name, PerMonth: s.Limits.PerMonth, ReadsShare: s.Limits.ReadsShare, Zone: s.Timezone, Now: now,
	})
}

// bind sets where calls are counted.
func (m *boundMeter) bind(meter fetch.Meter) { m.meter.Store(&meter) }

// freely is a meter for the few calls of doctor where there is no database.
type freely struct{}

// Take lets the call pass.
func (*freely) Take(context.Context, string) (time.Duration, string, error) { return 0, "", nil }

// Spent forgets it.
func (*freely) Spent(context.Context, time.Time, string) error { return nil }

var errNoMeter = errors.New("a call that counts on the month's budget needs the database that keeps it")

// Take books a call.
func (m *boundMeter) Take(ctx context.Context, lane string) (time.Duration, string, error) {
	to := m.meter.Load()
	if to == nil {
		return 0, "", errNoMeter
	}
	return (*to).Take(ctx, lane)
}

// Spent notes that nothing is left.
func (m *boundMeter) Spent(ctx context.Context, until time.Time, code string) error {
	to := m.meter.Load()
	if to == nil {
		return errNoMeter
	}
	return (*to).Spent(ctx, until, code)
}
