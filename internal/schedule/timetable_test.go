package schedule

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // zones must load on hosts without a zone database

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/model"
)

func zone(tb testing.TB, name string) *time.Location {
	tb.Helper()
	z, err := time.LoadLocation(name)
	require.NoError(tb, err)
	return z
}

func timesFor(tb testing.TB, expr, zoneName, source string) times {
	tb.Helper()
	runs, err := timesOf(model.Timetable{Source: source, Stream: "chats", Expression: expr}, zone(tb, zoneName))
	require.NoError(tb, err)
	return runs
}

// Whatever the schedule, each of its times has one run, a little later and before
// the next time, and from anywhere the next run is the same one.
func TestEachTimeHasOneRun(t *testing.T) {
	t.Parallel()
	exprs := []string{"* * * * *", "*/10 * * * *", "20 * * * *", "15 6 * * *", "10 3 * * 0", "0 0 29 2 *", "30 2 * * *", "@hourly", "@daily"}
	zones := []string{"Asia/Shanghai", "UTC", "Europe/Berlin", "America/Los_Angeles", "Asia/Kathmandu"}
	rapid.Check(t, func(rt *rapid.T) {
		runs := timesFor(t, rapid.SampledFrom(exprs).Draw(rt, "expr"), rapid.SampledFrom(zones).Draw(rt, "zone"),
			rapid.StringMatching(`[a-z]{1,8}`).Draw(rt, "source"))
		after := time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(rt, "at"), rapid.Int64Range(0, 999_999_999).Draw(rt, "ns"))
		run := runs.next(after)
		require.True(rt, run.After(after))
		// A moment in between has the same next run, the run itself another.
		between := after.Add(time.Duration(rapid.Float64Range(0, 0.999).Draw(rt, "between") * float64(run.Sub(after))))
		require.True(rt, run.Equal(runs.next(between)), "%s and %s", run, runs.next(between))
		require.True(rt, runs.next(run).After(run))
		// It belongs to the time at or before it.
		at := runs.spec.Next(run.Add(-jitterMax - time.Nanosecond).In(runs.zone))
		for next := runs.spec.Next(at); !next.After(run); next = runs.spec.Next(at) {
			at = next
		}
		late := run.Sub(at)
		require.GreaterOrEqual(rt, late, time.Duration(0))
		require.LessOrEqual(rt, late, jitterMax)
		require.LessOrEqual(rt, late, runs.spec.Next(at).Sub(at)/jitterShare)
	})
}

func TestEveryCountsFromTheEpoch(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		every := time.Duration(rapid.IntRange(1, 100_000).Draw(rt, "seconds")) * time.Second
		runs := timesFor(t, "@every "+every.String(), "Asia/Shanghai", rapid.StringMatching(`[a-z]{1,8}`).Draw(rt, "source"))
		after := time.UnixMilli(rapid.Int64Range(1.7e12, 1.9e12).Draw(rt, "at"))
		run := runs.next(after)
		require.True(rt, run.After(after))
		require.LessOrEqual(rt, run.Sub(after), every)
		require.True(rt, run.Add(every).Equal(runs.next(run)))
		require.Equal(rt, runs.delay(every), time.Duration(run.UnixMilli()%every.Milliseconds())*time.Millisecond)
	})
}

func TestTwentySourcesDoNotBeginTogether(t *testing.T) {
	t.Parallel()
	after := time.Date(2026, 11, 20, 5, 0, 0, 0, time.UTC)
	seconds := map[int64]int{}
	for i := range 20 {
		runs := timesFor(t, "20 * * * *", "Asia/Shanghai", fmt.Sprintf("tenant-%02d", i))
		run := runs.next(after)
		require.Equal(t, run, timesFor(t, "20 * * * *", "Asia/Shanghai", fmt.Sprintf("tenant-%02d", i)).next(after))
		seconds[run.Unix()]++
	}
	require.GreaterOrEqual(t, len(seconds), 12, "%v", seconds)
	for at, n := range seconds {
		require.LessOrEqual(t, n, 3, time.Unix(at, 0))
	}
}

func TestTimesAreMeantInTheirZone(t *testing.T) {
	t.Parallel()
	after := time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
	runs := timesFor(t, "15 6 * * *", "Asia/Shanghai", "acme")
	runs.late = 0
	require.Equal(t, "2026-11-21 06:15:00 +0800 CST", runs.next(after).String())
	runs = timesFor(t, "15 6 * * *", "UTC", "acme")
	runs.late = 0
	require.Equal(t, "2026-11-20 06:15:00 +0000 UTC", runs.next(after).String())
}

func TestBadExpressions(t *testing.T) {
	t.Parallel()
	for _, expr := range []string{"", "* *", "99 * * * *", "0 0 30 2 *", "TZ=UTC * * * * *", "@never"} {
		_, _, err := Entry{Source: "a", Stream: "b", Expression: expr, Zone: time.UTC}.timetable(time.Now())
		require.Error(t, err, expr)
		_, err = nextOf(model.Timetable{Expression: expr, Timezone: "UTC"}, time.Now())
		require.Error(t, err, expr)
	}
	_, err := nextOf(model.Timetable{Expression: "@daily", Timezone: "Nowhere/Atall"}, time.Now())
	require.Error(t, err)
}
