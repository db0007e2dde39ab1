package vendorsim

import "time"

// window is one call limit: at most max calls within length, counted from the
// first, and one more blocks for as long as the window is.
type window struct {
	length time.Duration
	max    int // negative: no limit
	began  time.Time
	used   int
	until  time.Time // blocked until
}

// blocked reports whether the window refuses everything at now.
func (w *window) blocked(now time.Time) bool { return now.Before(w.until) }

// take counts a call and reports whether it is within the limit.
func (w *window) take(now time.Time) bool {
	if w.blocked(now) {
		return false
	}
	if w.max < 0 {
		return true
	}
	if w.used == 0 || now.Sub(w.began) >= w.length {
		w.began, w.used = now, 0
	}
	w.used++
	if w.used > w.max {
		w.until, w.used = now.Add(w.length), 0
		return false
	}
	return true
}

// meter is the limits of one endpoint.
type meter struct {
	minute, hour window
	concurrency  int // negative: no limit
}

func newMeter(l Limits) *meter {
	return &meter{
		minute:      window{length: time.Minute, max: l.PerMinute},
		hour:        window{length: time.Hour, max: l.PerHour},
		concurrency: l.Concurrency,
	}
}

// take counts a call against both budgets and reports whether it is within them.
// What the minute refuses costs nothing of the hour.
func (m *meter) take(now time.Time) bool { return m.minute.take(now) && m.hour.take(now) }
