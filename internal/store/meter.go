package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"syncd/internal/model"
)

// The lanes of calls; every other one is "".
const (
	// LaneReads are those that ask who has read messages.
	LaneReads = "reads"
	// LaneChecks are those that read by itself what a list lacks.
	LaneChecks = "checks"
)

// meterHeadStart is how many days' calls a month may be ahead when it begins: enough
// for a weekly full pass of a large tenant to run in one day. It melts until the month
// ends, or its last days would be left without calls.
const meterHeadStart = 3

// MeterOptions say what a source may call in a calendar month.
type MeterOptions struct {
	Source string
	// PerMonth is how many calls, at least 1.
	PerMonth int
	// ReadsShare is the part of it that [LaneReads] may use, 0 to 1.
	ReadsShare float64
	// Zone is the vendor's: its months and days begin there.
	Zone *time.Location
	// Now is the clock.
	Now func() time.Time
}

// Meter is the call budget of one source over calendar months, kept in the database:
// all processes together never book more calls than there are, whatever restarts.
//
// A month lasts a month: by the end of its day d of D, at most the part
// (d + 3 · (D - d) / D) / D of PerMonth is booked, so that every day has calls of its
// own. Days that were not used up leave theirs to the following ones.
// The lane of reads has its share of that, the lane of checks leaves half of a day's
// calls to the others, however many records have vanished, and all others may use
// everything.
//
// Calls may overlap.
type Meter struct {
	pool *pgxpool.Pool
	MeterOptions
}

// NewMeter returns the meter of a source.
func NewMeter(s *Store, options MeterOptions) *Meter {
	return &Meter{pool: s.pool, MeterOptions: options}
}

// meterTries is how often a call is tried to book that found nothing left, although
// there was when it looked why.
const meterTries = 3

// Take books one call of a lane. A wait above 0 says that nothing was booked, for how
// long nothing will be, and why. An error is the database's: the call may have been
// booked, and is not to be made.
func (m *Meter) Take(ctx context.Context, lane string) (wait time.Duration, why string, err error) {
	for range meterTries {
		now := m.Now()
		month := m.month(now)
		granted := m.granted(month, month.day)
		tag, err := m.pool.Exec(ctx, q("call_budget_take"), m.Source, date(month.first), now, lane == LaneReads,
			granted-m.leaves(month, lane), m.readsOf(granted), m.PerMonth)
		if err != nil {
			return 0, "", fmt.Errorf("call_budget_take: %w", err)
		}
		if tag.RowsAffected() == 1 {
			return 0, "", nil
		}
		use, err := m.use(ctx, now)
		if err != nil {
			return 0, "", err
		}
		if wait, why := m.wait(use, lane, now); wait > 0 {
			return wait, why, nil
		}
	}
	return time.Second, "other processes book calls of " + m.Source + " at the same time", nil
}

// Spent notes the vendor's word that nothing is left until then, for every lane,
// process and restart. A limit that is greater than that of this meter lifts it: calls
// have been bought, and the vendor will say whether enough.
func (m *Meter) Spent(ctx context.Context, until time.Time, code string) error {
	month := m.month(m.Now())
	if _, err := m.pool.Exec(ctx, q("call_budget_block"), m.Source, date(month.first), until, cleanText(code), m.PerMonth); err != nil {
		return fmt.Errorf("call_budget_block: %w", err)
	}
	return nil
}

// LaneUse is what a lane has used of a month, and may still use.
type LaneUse struct {
	// Lane is "" for all calls together, and [LaneReads].
	Lane string
	// Limit is how many calls the month has; Used and Left add up to it, unless the
	// limit was lowered.
	Limit, Used, Left int64
	// LeftToday is how many can be made before the next midnight of the vendor.
	LeftToday int64
}

// MeterUse is how a meter stands.
type MeterUse struct {
	// Month is the first moment of the calendar month, and MonthEnd that of the next.
	Month, MonthEnd time.Time
	// Lanes are all calls together, and the lane of reads.
	Lanes [2]LaneUse
	// BlockedUntil is the end of the vendor's block, zero without one that holds under
	// the meter's limit, and BlockedCode its word for it. What is left does not count it.
	BlockedUntil time.Time
	BlockedCode  string
}

// Use tells how the meter stands.
func (m *Meter) Use(ctx context.Context) (MeterUse, error) { return m.use(ctx, m.Now()) }

func (m *Meter) use(ctx context.Context, now time.Time) (MeterUse, error) {
	month := m.month(now)
	use := MeterUse{Month: m.start(month, 1), MonthEnd: m.start(month, month.days+1)}
	all, reads := LaneUse{Limit: int64(m.PerMonth)}, LaneUse{Lane: LaneReads, Limit: m.readsOf(int64(m.PerMonth))}
	var blocked *time.Time
	err := m.pool.QueryRow(ctx, q("call_budget_get"), m.Source, date(month.first), now, m.PerMonth).
		Scan(&all.Used, &reads.Used, &blocked, &use.BlockedCode)
	if err != nil {
		return use, fmt.Errorf("call_budget_get: %w", err)
	}
	use.BlockedUntil = timeOrZero(blocked)
	granted := m.granted(month, month.day)
	all.Left, all.LeftToday = max(all.Limit-all.Used, 0), max(granted-all.Used, 0)
	reads.Left = max(min(reads.Limit-reads.Used, all.Left), 0)
	reads.LeftToday = max(min(m.readsOf(granted)-reads.Used, all.LeftToday), 0)
	use.Lanes = [2]LaneUse{all, reads}
	return use, nil
}

// wait is how long nothing of the lane will be booked, and why; 0 where something
// can be now.
func (m *Meter) wait(use MeterUse, lane string, now time.Time) (time.Duration, string) {
	if use.BlockedUntil.After(now) {
		return use.BlockedUntil.Sub(now), fmt.Sprintf("the vendor says that no call is left until %s (%s)",
			use.BlockedUntil.In(m.Zone).Format(time.RFC3339), use.BlockedCode)
	}
	all, reads := use.Lanes[0], use.Lanes[1]
	what := fmt.Sprintf("the %d calls of the month", all.Limit)
	month := m.month(now)
	switch leaves := m.leaves(month, lane); {
	case lane == LaneReads && (reads.LeftToday < all.LeftToday || reads.Left == 0 && all.Left > 0):
		what = fmt.Sprintf("the %d calls of the month, of %d, that may ask who has read messages", reads.Limit, all.Limit)
	case lane == LaneChecks && all.LeftToday > 0:
		what = fmt.Sprintf("the %d calls of the month, of %d, that what is missing may be read by itself with", all.Limit-leaves, all.Limit)
	}
	for day := month.day; day <= month.days; day++ {
		granted := m.granted(month, day)
		left := granted - all.Used - m.leaves(month, lane)
		if lane == LaneReads {
			left = min(left, m.readsOf(granted)-reads.Used)
		}
		switch {
		case left > 0 && day == month.day:
			return 0, ""
		case left > 0:
			return m.start(month, day).Sub(now), "today's part of " + what + " is used up"
		}
	}
	return use.MonthEnd.Sub(now), what + " are used up"
}

// Granted is how many calls there are by the end of the day of an instant, since its
// month began: all of them, and those of [LaneReads].
func (m *Meter) Granted(at time.Time) (all, reads int64) {
	month := m.month(at)
	all = m.granted(month, month.day)
	return all, m.readsOf(all)
}

// granted is how many calls there are in the month by the end of a day of it.
func (m *Meter) granted(month meterMonth, day int) int64 {
	days := int64(month.days)
	ahead := int64(meterHeadStart) * (days - int64(day))
	return int64(m.PerMonth) * (int64(day)*days + ahead) / (days * days)
}

// Leaves is how many of the calls that there are a lane leaves to the others.
func (m *Meter) Leaves(at time.Time, lane string) int64 { return m.leaves(m.month(at), lane) }

func (m *Meter) leaves(month meterMonth, lane string) int64 {
	if lane != LaneChecks {
		return 0
	}
	halfDays := 2 * int64(month.days)
	return (int64(m.PerMonth) + halfDays - 1) / halfDays
}

// readsOf is how many of some calls the lane of reads may use.
func (m *Meter) readsOf(calls int64) int64 {
	const rounding = 1e-9 // a third of 3 is 1
	return min(calls, int64(float64(calls)*m.ReadsShare+rounding))
}

// meterMonth is a calendar month with a day of it, both counted from 1.
type meterMonth struct {
	first     model.Day
	day, days int
}

func (m *Meter) month(now time.Time) meterMonth {
	year, month, day := now.In(m.Zone).Date()
	return meterMonth{
		first: dayOf(time.Date(year, month, 1, 0, 0, 0, 0, time.UTC)),
		day:   day, days: time.Date(year, month+1, 0, 0, 0, 0, 0, time.UTC).Day(),
	}
}

// start is the moment at which a day of the month begins; the one after the last is
// the first of the next month.
func (m *Meter) start(month meterMonth, day int) time.Time {
	return month.first.Add(day - 1).In(m.Zone)
}
