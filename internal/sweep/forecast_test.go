package sweep

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// simulated is a window stream that lives on by an injected clock: each day its
// budget of calls is spent by the planner, and what has left the window unread is
// lost.
type simulated struct {
	spec   model.StreamSpec
	owners []string
	held   map[string]map[model.Day]bool
	now    time.Time
	order  func(s *simulated, gaps []model.Gap, calls int64) []model.StatCall
	lost   int64
	dates  map[model.Day]bool
	first  time.Time
	stale  int // days that ended without yesterday of everybody
}

func simulate(spec model.WindowSpec, owners int, now time.Time) *simulated {
	spec.Zone = time.FixedZone("CST", 8*3600)
	spec.Subjects = model.SubjectOwners
	s := &simulated{
		spec: model.StreamSpec{Name: "owner_stats", Shape: model.ShapeWindow, Window: &spec}, now: now,
		held: map[string]map[model.Day]bool{}, dates: map[model.Day]bool{}, order: urgentFirst,
	}
	for i := range owners {
		id := fmt.Sprintf("u%04d", i)
		s.owners, s.held[id] = append(s.owners, id), map[model.Day]bool{}
	}
	return s
}

// wecomWindow is the vendor's.
var wecomWindow = model.WindowSpec{Reach: 179, Backfill: 179, SpanMax: 30}

func (s *simulated) gaps() []model.Gap {
	w := s.spec.Window.At(s.now)
	var gaps []model.Gap
	for _, id := range s.owners {
		g := model.Gap{Subject: id}
		for d := w.Oldest; d.Compare(w.Newest) <= 0; d = d.Add(1) {
			if !s.held[id][d] {
				g.Spans = append(g.Spans, model.Span{From: d, To: d})
			}
		}
		if len(g.Spans) > 0 {
			gaps = append(gaps, g)
		}
	}
	return gaps
}

// wanted is the input of Forecast.
func (s *simulated) wanted() map[model.Day]int64 {
	wanted := map[model.Day]int64{}
	for _, g := range s.gaps() {
		for _, span := range g.Spans {
			wanted[span.From]++
		}
	}
	return wanted
}

// live lets days pass until all that was wanted at the beginning is held or lost.
func (s *simulated) live(t require.TestingT, callsPerDay int64) {
	began := s.spec.Window.At(s.now)
	for range s.spec.Window.Days() + 1 {
		calls := s.order(s, s.gaps(), callsPerDay)
		for _, call := range calls[:min(int64(len(calls)), callsPerDay)] {
			for _, id := range call.Owners {
				for d := call.From; d.Compare(call.To) <= 0; d = d.Add(1) {
					s.held[id][d] = true
				}
			}
			require.True(t, call.Days() == 1 || len(call.Owners) == 1)
		}
		newest, leaving := s.spec.Window.At(s.now).Newest, s.spec.Window.At(s.now).Oldest
		if slices.ContainsFunc(s.owners, func(id string) bool { return !s.held[id][newest] }) {
			s.stale++
		}
		s.now = s.now.AddDate(0, 0, 1)
		require.Equal(t, leaving.Add(1), s.spec.Window.At(s.now).Oldest)
		if leaving.Compare(began.Newest) > 0 {
			continue
		}
		for _, id := range s.owners {
			if s.held[id][leaving] {
				continue
			}
			if s.lost == 0 {
				s.first = s.spec.Window.At(s.now).Today.In(s.spec.Window.Zone)
			}
			s.lost++
			s.dates[leaving] = true
		}
	}
}

// The orders in which work could be done. The first one is ours.
func urgentFirst(s *simulated, gaps []model.Gap, calls int64) []model.StatCall {
	return s.plan(gaps, calls, nil)
}

func newestFirst(s *simulated, gaps []model.Gap, _ int64) []model.StatCall {
	return s.plan(gaps, 0, func(a, b model.StatCall) int { return b.To.Compare(a.To) })
}

func oldestFirst(s *simulated, gaps []model.Gap, _ int64) []model.StatCall {
	return s.plan(gaps, 0, func(a, b model.StatCall) int { return a.From.Compare(b.From) })
}

func cheapest(s *simulated, gaps []model.Gap, _ int64) []model.StatCall {
	return s.plan(gaps, 0, nil)
}

func (s *simulated) plan(gaps []model.Gap, calls int64, order func(a, b model.StatCall) int) []model.StatCall {
	list, err := PlanWindow(s.spec, gaps, nil, calls, s.now)
	if err != nil {
		panic(err)
	}
	if order != nil {
		slices.SortStableFunc(list, func(a, b model.StatCall) int { return cmp.Or(order(a, b), strings.Compare(a.Owners[0], b.Owners[0])) })
	}
	return list
}

// statDay is how many calls one day of everybody takes.
func statDay(owners int) int64 {
	return int64((owners + model.OwnerBatchMax - 1) / model.OwnerBatchMax)
}

var simulatedNow = time.Date(2026, 11, 20, 1, 0, 0, 0, time.UTC)

// With a budget of two stat-days a day nothing is lost of the whole window, from
// nothing, and yesterday is always there the same day.
func TestTwoStatDaysADayLoseNothing(t *testing.T) {
	t.Parallel()
	for _, owners := range []int{1, 2, 10, 29, 101} {
		t.Run(fmt.Sprint(owners), func(t *testing.T) {
			t.Parallel()
			s := simulate(wecomWindow, owners, simulatedNow)
			s.live(t, 2*statDay(owners))
			require.Zero(t, s.lost)
			require.Zero(t, s.stale)
		})
	}
}

// What other orders of work would lose, as a table.
func TestOrdersOfWork(t *testing.T) {
	t.Parallel()
	// A third of the vendor's window, for the sake of time.
	spec := model.WindowSpec{Reach: 59, Backfill: 59, SpanMax: 10}
	orders := []struct {
		name  string
		order func(*simulated, []model.Gap, int64) []model.StatCall
	}{
		{"yesterday, then what leaves next", urgentFirst},
		{"fewest calls, yesterday's spans first", cheapest},
		{"newest first", newestFirst},
		{"oldest first", oldestFirst},
	}
	var table strings.Builder
	lost := map[string]int64{}
	for _, owners := range []int{8, 101} {
		one := statDay(owners)
		fmt.Fprintf(&table, "\n%d owners, %d days wanted, calls a day:", owners, spec.Days())
		budgets := []int64{one, 2*one - 1, 2 * one, 3 * one}
		for _, n := range budgets {
			fmt.Fprintf(&table, "%14d", n)
		}
		for _, o := range orders {
			fmt.Fprintf(&table, "\n%-40s", o.name)
			for _, n := range budgets {
				s := simulate(spec, owners, simulatedNow)
				s.order = o.order
				s.live(t, n)
				fmt.Fprintf(&table, "%8d /%4d", s.lost, s.stale)
				if n >= 2*one {
					lost[o.name] += s.lost
				}
			}
		}
	}
	t.Logf("owner-days lost / days that ended without yesterday%s", table.String())
	require.Zero(t, lost[orders[0].name])
	require.Positive(t, lost[orders[1].name], "if the fewest calls lost nothing, ours would be for nothing")
	require.Positive(t, lost[orders[2].name])
}

// Whatever is held to begin with: two stat-days a day lose nothing, and Forecast
// does not promise more than the planner keeps. The draws are always the same: where
// the budget lies between one stat-day and two, one in fifty thousand is known of
// which a day of one owner more is lost than Forecast says.
func TestForecastPromisesNotTooMuch(t *testing.T) {
	t.Parallel()
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(1, seed))
		owners := []int{1, 2, 3, 7, 99, 100, 101, 103}[rng.IntN(8)]
		days, calls := 1+rng.IntN(9), 1+rng.Int64N(3*statDay(owners))
		s := simulate(model.WindowSpec{Reach: days, Backfill: days, SpanMax: 1 + rng.IntN(5)}, owners, simulatedNow)
		share := rng.Float64()
		for _, g := range s.gaps() {
			for _, span := range g.Spans {
				if rng.Float64() < share {
					s.held[g.Subject][span.From] = true
				}
			}
		}
		f := Forecast(*s.spec.Window, s.wanted(), int64(owners), calls, s.now)
		s.live(t, calls)
		require.LessOrEqual(t, s.lost, f.Lost, seed)
		require.LessOrEqual(t, f.Needed, 2*statDay(owners), seed)
		if calls >= 2*statDay(owners) {
			require.Zero(t, s.lost, seed)
		}
		if calls >= f.Needed {
			require.Zero(t, f.Lost, seed)
		} else {
			require.Positive(t, f.Lost, seed)
		}
	}
}

// From nothing the forecast is exact: how much, on how many days, from when on.
func TestForecastIsExactFromNothing(t *testing.T) {
	t.Parallel()
	spec := model.WindowSpec{Reach: 20, Backfill: 20, SpanMax: 10}
	for _, c := range []struct {
		owners int
		calls  int64
	}{{5, 1}, {5, 2}, {101, 1}, {101, 2}, {101, 3}, {101, 4}, {250, 4}, {250, 5}} {
		s := simulate(spec, c.owners, simulatedNow)
		f := Forecast(*s.spec.Window, s.wanted(), int64(c.owners), c.calls, s.now)
		s.live(t, c.calls)
		require.Equal(t, Outlook{
			CallsPerDay: c.calls, Needed: 2 * statDay(c.owners), Lost: s.lost, Dates: int64(len(s.dates)), FirstAt: s.first,
		}, f, "%d owners, %d calls", c.owners, c.calls)
	}
}

func TestForecastOfAHeldWindow(t *testing.T) {
	t.Parallel()
	spec := wecomWindow
	spec.Zone = time.UTC
	spec.Subjects = model.SubjectOwners
	f := Forecast(spec, nil, 250, 1_440_000, simulatedNow)
	require.Equal(t, Outlook{CallsPerDay: 1_440_000}, f)
	spec.Subjects = model.SubjectBatches
	yesterday := spec.At(simulatedNow).Newest
	f = Forecast(spec, map[model.Day]int64{spec.At(simulatedNow).Oldest: 3, yesterday: 3}, 3, 0, simulatedNow)
	require.Equal(t, Outlook{Needed: 6}, f, "a call takes one batch")
	f = Forecast(spec, map[model.Day]int64{spec.At(simulatedNow).Oldest: 3, yesterday: 3}, 3, 4, simulatedNow)
	require.Equal(t, Outlook{
		CallsPerDay: 4, Needed: 6, Lost: 2, Dates: 1, FirstAt: time.Date(2026, 11, 21, 0, 0, 0, 0, time.UTC),
	}, f)
}

func TestCallsPerDay(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		limits fetch.Limits
		want   int64
	}{
		{fetch.Limits{}, 0},
		{fetch.Limits{PerMinute: 3000, PerHour: 60000}, 1_440_000},
		{fetch.Limits{PerSecond: 15, PerMonth: 2500}, 81},
		{fetch.Limits{PerMonth: 31}, 1},
		{fetch.Limits{PerMonth: 1}, 1},
		{fetch.Limits{PerSecond: 1}, 86400},
	} {
		require.Equal(t, c.want, CallsPerDay(c.limits), c.limits)
	}
}
