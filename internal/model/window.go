package model

import "time"

// WindowSpec is what the loop must know of a stream of statistics: the vendor
// tells days of a window that moves on with the calendar.
type WindowSpec struct {
	// Zone is the vendor's; its days begin there.
	Zone *time.Location
	// Reach is how many days before today the vendor surely tells. One day more
	// may be told, and is asked for alone.
	Reach int
	// Backfill is how many days before today are wanted, at most Reach + 1.
	Backfill int
	// Lookback is how many of the latest days are read again once a day.
	Lookback int
	// ReadyHour is the hour of the vendor's day from which yesterday is told.
	ReadyHour int
	// SpanMax is how many days one call may reach over.
	SpanMax int
	// Subjects says whose days are covered.
	Subjects WindowSubjects
	// Periods, in days, make every day wanted the end of a range of that length,
	// for each of them; nil for plain days. Only with SubjectBatches.
	Periods []int
}

// Days is how many days before today are wanted of what the vendor surely tells.
// A day that is older without having been read is lost.
func (s WindowSpec) Days() int { return min(s.Backfill, s.Reach) }

// WindowSubjects says what the subjects of a window stream are.
type WindowSubjects string

// The kinds of subjects.
const (
	// SubjectOwners are owner ids.
	SubjectOwners WindowSubjects = "owners"
	// SubjectBatches are numbers of owner batches; with periods, number/days.
	SubjectBatches WindowSubjects = "batches"
)

// Window is what is wanted at one moment.
type Window struct {
	Now   time.Time
	Today Day
	// Oldest and Newest are the first and the last day wanted; RereadFrom is the
	// first that is read again.
	Oldest, Newest, RereadFrom Day
	// Sure is the oldest day that the vendor surely tells.
	Sure Day
}

// At returns the window at a moment.
func (s WindowSpec) At(now time.Time) Window {
	w := Window{Now: now, Today: DayOf(now, s.Zone)}
	w.Newest = w.Today.Add(-1)
	if now.In(s.Zone).Hour() < s.ReadyHour {
		w.Newest = w.Today.Add(-2)
	}
	w.Sure = w.Today.Add(-s.Reach)
	w.Oldest = w.Today.Add(-min(s.Backfill, s.Reach+1))
	w.RereadFrom = w.Today.Add(-s.Lookback)
	return w
}

// Span is some days in a row, both ends included.
type Span struct{ From, To Day }

// Gap is what is wanted of one subject: spans in order, apart from each other.
type Gap struct {
	Subject string
	Spans   []Span
}

// WindowMove is what becomes of days that were asked for.
type WindowMove struct {
	Subject string
	Days    Span
	// At is when they were asked for, Today the vendor's day of that moment.
	At    time.Time
	Today Day
	// RefusedCode is "" for days that were read, otherwise why not; RetryAt is
	// then when to ask again.
	RefusedCode string
	RetryAt     time.Time
	// Outside says that the refusal is about these days alone, and tells nothing
	// of others that are refused.
	Outside bool
}

// CodeNoOwner stands in sync.coverage for days of a batch of which nobody can be
// asked for. The total of a day does not wait for it.
const CodeNoOwner = "no owner"
