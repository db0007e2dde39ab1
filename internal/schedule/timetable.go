package schedule

import (
	"errors"
	"fmt"
	"hash/fnv"
	"math"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"syncd/internal/model"
)

// Entry is one schedule of the configuration.
type Entry struct {
	Source, Stream string
	// Mode tells two schedules of one stream apart: "" or "full". A run with a
	// mode does what one without does, and more.
	Mode string
	// Expression is a cron expression of five fields, or @hourly, @every 5m and the
	// like, meant in Zone.
	Expression string
	Zone       *time.Location
}

// A run begins up to this much later than its expression says, always equally
// late for one stream, so that sources with equal schedules do not begin in the
// same second.
const (
	jitterMax = time.Minute
	// jitterShare is the part of the period that it may take, as one in so many.
	jitterShare = 10
	// firstSpread spreads the first runs of streams that are new.
	firstSpread = 5 * time.Second
)

// times are the runs of one schedule.
type times struct {
	spec *cron.SpecSchedule
	// every is the period where there is no spec. Its runs are counted from the
	// Unix epoch: no process has to know when another one began.
	every time.Duration
	zone  *time.Location
	// late is the part of the possible delay that falls to this stream, below 1.
	late float64
}

// errNever means that an expression has no next time.
var errNever = errors.New("this day never comes")

// timesOf reads an expression.
func timesOf(t model.Timetable, zone *time.Location) (times, error) {
	if strings.Contains(t.Expression, "TZ=") {
		return times{}, errors.New("a schedule has no zone of its own")
	}
	parsed, err := cron.ParseStandard(t.Expression)
	if err != nil {
		return times{}, err
	}
	out := times{zone: zone, late: share(t.Source, t.Stream, t.Mode)}
	switch s := parsed.(type) {
	case *cron.SpecSchedule:
		out.spec = s
		if s.Next(time.Unix(0, 0)).IsZero() {
			return times{}, errNever
		}
	case cron.ConstantDelaySchedule:
		out.every = s.Delay
	default:
		return times{}, fmt.Errorf("unknown kind of schedule %T", parsed)
	}
	return out, nil
}

// share maps names to [0, 1), evenly and always alike.
func share(names ...string) float64 {
	h := fnv.New64a()
	for _, name := range names {
		_, _ = h.Write(append([]byte(name), 0))
	}
	// FNV mixes the last bytes too little for names that differ in them only.
	v := h.Sum64()
	v ^= v >> 33
	v *= 0xff51afd7ed558ccd
	v ^= v >> 33
	return float64(v>>11) / (1 << 53)
}

// delay is how much later than its expression says a run begins, given the time
// to the one after it.
func (t times) delay(period time.Duration) time.Duration {
	most := min(jitterMax, period/jitterShare)
	return time.Duration(t.late * float64(most)).Truncate(time.Millisecond)
}

// next is the first run after a moment.
func (t times) next(after time.Time) time.Time {
	if t.spec == nil {
		delay := t.delay(t.every)
		since := after.Add(-delay).UnixMilli()
		n := int64(math.Floor(float64(since)/float64(t.every.Milliseconds()))) + 1
		return time.UnixMilli(n * t.every.Milliseconds()).Add(delay).In(t.zone)
	}
	// A run whose time has come may not have begun yet.
	at := after.Add(-jitterMax).In(t.zone)
	for {
		at = t.spec.Next(at)
		if at.IsZero() {
			return at
		}
		following := t.spec.Next(at)
		if following.IsZero() {
			following = at
		}
		if run := at.Add(t.delay(following.Sub(at))); run.After(after) {
			return run
		}
	}
}

// timetable is the schedule as it is stored, and when it runs first if it is new.
func (e Entry) timetable(now time.Time) (t model.Timetable, first time.Time, err error) {
	t = model.Timetable{
		Source: e.Source, Stream: e.Stream, Mode: e.Mode, Expression: e.Expression, Timezone: e.Zone.String(),
	}
	runs, err := timesOf(t, e.Zone)
	if err != nil {
		return t, first, fmt.Errorf("schedule of %s/%s, %q: %w", e.Source, e.Stream, e.Expression, err)
	}
	t.NextRunAt = runs.next(now)
	return t, now.Add(time.Duration(runs.late * float64(firstSpread))), nil
}

// nextOf is when a stored schedule is due after now.
func nextOf(t model.Timetable, now time.Time) (time.Time, error) {
	zone, err := time.LoadLocation(t.Timezone)
	if err != nil {
		return time.Time{}, err
	}
	runs, err := timesOf(t, zone)
	if err != nil {
		return time.Time{}, err
	}
	next := runs.next(now)
	if next.IsZero() {
		return next, errNever
	}
	return next, nil
}
