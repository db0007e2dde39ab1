package sweep

import (
	"math"
	"slices"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// PlanWindow lists the calls that a pass of a window stream would make to fill
// the gaps, in their order, by the planner of the pass itself. batches are who is
// in which batch, for streams whose subjects are batches. callsPerDay is
// [Options.CallsPerDay].
func PlanWindow(spec model.StreamSpec, gaps []model.Gap, batches []model.OwnerBatch, callsPerDay int64, now time.Time,
) ([]model.StatCall, error) {
	p := &pursuit{spec: spec, runner: &Runner{opts: Options{CallsPerDay: callsPerDay}}}
	round := &window{p: p}
	if spec.Window.Subjects == model.SubjectBatches {
		round.know(batches)
	}
	jobs, err := round.jobs(gaps, spec.Window.At(now))
	if err != nil {
		return nil, err
	}
	calls := make([]model.StatCall, 0, len(jobs))
	for _, j := range jobs {
		if len(j.Owners) > 0 { // a batch of nobody is noted, not asked for
			calls = append(calls, j.StatCall)
		}
	}
	return calls, nil
}

// planScarce shapes gaps into calls where a day's budget does not pay for all of
// them: the newest day first, then the one that leaves the window at the next
// midnight, each for everybody, and only then the others as cheaply as possible.
// That may take a few calls more than [window.plan], whose spans fetch much of
// one owner before anything of the next; but no day is lost as long as the budget
// of a day pays for two days of everybody.
func (r *window) planScarce(gaps []gap, newest, oldest int) []planned {
	var first, leaving, rest []gap
	for _, g := range gaps {
		var others []int
		for _, d := range g.days {
			switch d {
			case newest:
				first = append(first, gap{g.owner, []int{d}})
			case oldest:
				leaving = append(leaving, gap{g.owner, []int{d}})
			default:
				others = append(others, d)
			}
		}
		if len(others) > 0 {
			rest = append(rest, gap{g.owner, others})
		}
	}
	span := r.p.spec.Window.SpanMax
	return slices.Concat(r.plan(first, newest, 1), r.plan(leaving, newest, 1), r.plan(rest, newest, span))
}

const (
	hoursPerDay  = 24
	daysPerMonth = 31
)

// CallsPerDay is how many calls of one budget the limits allow in a day, however
// it falls; 0 is without a limit.
func CallsPerDay(l fetch.Limits) int64 {
	fewest := int64(math.MaxInt64)
	for _, n := range []int64{
		int64(l.PerSecond) * hoursPerDay * 3600, int64(l.PerMinute) * hoursPerDay * 60,
		int64(l.PerHour) * hoursPerDay, int64(l.PerMonth+daysPerMonth-1) / daysPerMonth,
	} {
		if n > 0 {
			fewest = min(fewest, n)
		}
	}
	if fewest == math.MaxInt64 {
		return 0
	}
	return fewest
}

// TimeFor is how long that many calls of one budget take at least within the
// limits; answers that are slow take longer. A budget of a month that does not
// suffice counts as whole months.
func TimeFor(calls int64, l fetch.Limits) time.Duration {
	var longest time.Duration
	for _, window := range []struct {
		limit int
		span  time.Duration
	}{{l.PerHour, time.Hour}, {l.PerMonth, daysPerMonth * hoursPerDay * time.Hour}} {
		full := int64(0)
		if window.limit > 0 && calls > 0 {
			full = (calls - 1) / int64(window.limit)
		}
		rest := calls - full*int64(window.limit)
		longest = max(longest, time.Duration(full)*window.span+pace(rest, l))
	}
	return longest
}

// pace is how long calls take that are spread evenly. The first burst goes at
// once, and what it is ahead is taken off the rate: see [fetch.Limits].
func pace(calls int64, l fetch.Limits) time.Duration {
	var longest float64 // seconds
	if n := float64(l.PerSecond); n > 0 {
		longest = max(longest, float64(calls-1)/n)
	}
	if n := float64(l.PerMinute); n > 0 {
		burst := max(math.Floor(n/60), 1)
		longest = max(longest, 60*(float64(calls)-burst)/(n-burst+1))
	}
	return time.Duration(longest * float64(time.Second))
}
