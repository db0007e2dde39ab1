package fetch

import "time"

// Scope says who shares one budget, or one block.
type Scope string

// The scopes.
const (
	// ScopeEndpoint gives every endpoint the whole of the limits.
	ScopeEndpoint Scope = "endpoint"
	// ScopeSource lets all endpoints of a source share them.
	ScopeSource Scope = "source"
	// ScopeHost is for blocks only: all sources that call the host are in it.
	ScopeHost Scope = "host"
)

// Limits is a call budget as data. A zero figure is no limit.
type Limits struct {
	// PerSecond and PerMinute pace the calls evenly, with bursts of one call
	// and of one second's worth.
	PerSecond, PerMinute int
	// PerHour holds for every 60 minutes, however they are cut.
	PerHour int
	// PerMonth holds for the calendar month in Zone. It counts the calls of
	// this process only, and nothing where Options.Meter does.
	PerMonth int
	// Zone is where the month begins; nil is UTC.
	Zone *time.Location
	// Concurrency is how many requests are in flight at once (4).
	Concurrency int
	// Scope is ScopeEndpoint when empty.
	Scope Scope
}

// hourWindow counts calls in the last 60 minutes. It has a bucket per minute
// and counts the oldest one whole, so no 60 minutes ever hold more than limit.
type hourWindow struct {
	limit   int
	buckets [61]int
	newest  int64
	sum     int
}

const hourGrain = time.Minute

// wait is how long until a call fits; 0 is now.
func (w *hourWindow) wait(now time.Time) time.Duration {
	if w.limit <= 0 {
		return 0
	}
	w.advance(now)
	if w.sum < w.limit {
		return 0
	}
	span := int64(len(w.buckets))
	for at := max(w.newest-span+1, 0); at <= w.newest; at++ {
		if w.buckets[at%span] > 0 {
			return time.Unix(0, (at+span)*int64(hourGrain)).Sub(now)
		}
	}
	return 0
}

func (w *hourWindow) add(now time.Time) {
	if w.limit <= 0 {
		return
	}
	w.advance(now)
	w.buckets[w.newest%int64(len(w.buckets))]++
	w.sum++
}

// advance empties the buckets that time has passed. A clock set back counts
// into the newest one.
func (w *hourWindow) advance(now time.Time) {
	span := int64(len(w.buckets))
	at := now.UnixNano() / int64(hourGrain)
	for next := max(w.newest, at-span) + 1; next <= at; next++ {
		w.sum -= w.buckets[next%span]
		w.buckets[next%span] = 0
	}
	w.newest = max(w.newest, at)
}

func (w *hourWindow) left(now time.Time) int {
	if w.limit <= 0 {
		return -1
	}
	w.advance(now)
	return w.limit - w.sum
}

// monthCount counts the calls of a calendar month.
type monthCount struct {
	limit int
	zone  *time.Location
	began time.Time
	used  int
}

func (m *monthCount) wait(now time.Time) time.Duration {
	if m.limit <= 0 {
		return 0
	}
	m.advance(now)
	if m.used < m.limit {
		return 0
	}
	return m.began.AddDate(0, 1, 0).Sub(now)
}

func (m *monthCount) add(now time.Time) {
	m.advance(now)
	m.used++
}

func (m *monthCount) advance(now time.Time) {
	zone := m.zone
	if zone == nil {
		zone = time.UTC
	}
	year, month, _ := now.In(zone).Date()
	if began := time.Date(year, month, 1, 0, 0, 0, 0, zone); began.After(m.began) {
		m.began, m.used = began, 0
	}
}

func (m *monthCount) left(now time.Time) int {
	if m.limit <= 0 {
		return -1
	}
	m.advance(now)
	return m.limit - m.used
}
