package sweep_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

var china = time.FixedZone("CST", 8*3600)

// statVendor tells figures of days: a pure function, bent by the test.
type statVendor struct {
	*bench
	mu      sync.Mutex
	now     time.Time
	reach   int             // days back that it tells
	refused map[string]bool // owners
	silent  map[string]bool // owners who have nothing to tell
	bonus   map[string]int64
	broken  map[string]bool // owners whose rows cannot be read
	called  []model.StatCall
}

func newStatVendor(t *testing.T, owners int) *statVendor {
	t.Helper()
	v := &statVendor{
		now: time.Date(2026, 11, 20, 9, 0, 0, 0, china), reach: 180,
		refused: map[string]bool{}, silent: map[string]bool{}, bonus: map[string]int64{}, broken: map[string]bool{},
	}
	v.bench = newBench(t, v.answer)
	v.opts.Now = v.clock
	for i := range owners {
		_, err := v.pool.Exec(t.Context(), `insert into groupchat.owner (source, owner_id, batch_no, first_seen_at)
			values ('acme', $1, 0, $2)`, ownerName(i), v.now)
		require.NoError(t, err)
	}
	v.spec = model.StreamSpec{
		Name: "owner_stats", Shape: model.ShapeWindow, Concurrency: 4,
		Window: &model.WindowSpec{Zone: china, Reach: 179, Backfill: 180, Lookback: 3, ReadyHour: 6, SpanMax: 30, Subjects: model.SubjectOwners},
	}
	return v
}

func ownerName(i int) string { return fmt.Sprintf("u%03d", i) }

func (v *statVendor) clock() time.Time {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.now
}

func (v *statVendor) advance(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.now = v.now.Add(d)
}

func (v *statVendor) answer(c model.Chain, _ string) (model.Page, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	var call model.StatCall
	if err := json.Unmarshal(c.Params, &call); err != nil {
		return model.Page{}, err
	}
	v.called = append(v.called, call)
	today := model.DayOf(v.now, china)
	if call.To.Compare(today) >= 0 || today.Sub(call.From) > v.reach {
		return model.Page{}, vendorError(fetch.ClassOutside, "600018")
	}
	page := model.Page{Last: true, RequestedAt: v.now, ReceivedAt: v.now.Add(time.Second)}
	if c.Stream != "owner_stats" {
		return v.together(c.Stream, call, page)
	}
	for _, id := range call.Owners {
		if v.refused[id] {
			return model.Page{}, vendorError(fetch.ClassRefused, "40003")
		}
		for day := call.From; day.Compare(call.To) <= 0; day = day.Add(1) {
			switch {
			case v.broken[id]:
				page.Rejects = append(page.Rejects, model.Reject{Kind: "stat", ID: id, Raw: []byte(`{}`), Reason: "broken"})
			case !v.silent[id]:
				n := v.bonus[id]
				page.OwnerStats = append(page.OwnerStats, model.OwnerStat{
					OwnerID: id, Day: day, Figures: model.Figures{Messages: &n},
				})
			}
		}
	}
	return page, nil
}

// together answers the streams whose subjects are batches.
func (v *statVendor) together(stream string, call model.StatCall, page model.Page) (model.Page, error) {
	var sum int64
	for _, id := range call.Owners {
		if v.refused[id] {
			return model.Page{}, vendorError(fetch.ClassDenied, "60011")
		}
		sum += v.bonus[id]
		if stream == "owner_period_stats" {
			page.PeriodStats = append(page.PeriodStats, model.PeriodStat{
				OwnerID: id, From: call.From, To: call.To, Figures: model.Figures{Messages: new(v.bonus[id])},
			})
		}
	}
	for day := call.From; stream == "daily_stats" && day.Compare(call.To) <= 0; day = day.Add(1) {
		page.DayStats = append(page.DayStats, model.DayStat{Day: day, Figures: model.Figures{Messages: new(sum)}})
	}
	return page, nil
}

func (v *statVendor) days(set string) string {
	v.t.Helper()
	return v.scalar(`select sum(upper(r) - lower(r)) from sync.coverage c, unnest(c.` + set + `) r`)
}

func TestWindowIsBackfilledCheapest(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 101)
	v.spec.Concurrency = 1
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	// 186 calls for the sure window of 179 days and one more day asked alone.
	require.LessOrEqual(t, len(v.called), 186+2)
	require.Equal(t, fmt.Sprint(101*180), v.days("covered"))
	storetest.WantRows(t, v.pool, "groupchat.owner_stat", 101*180)
	require.Equal(t, "2026-11-19", v.called[0].To.String(), "yesterday first")

	calls := len(v.called)
	res = v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Len(t, v.called, calls, "nothing is wanted twice a day")
}

func TestDayBeyondTheReachIsAskedAlone(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 3)
	v.reach = 179
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, fmt.Sprint(3*179), v.days("covered"))
	require.Equal(t, "3", v.days("refused"))
	require.Equal(t, "600018", v.scalar("select distinct refused_code from sync.coverage"))
	require.Empty(t, v.days("lost"), "it was never in the window")
}

func TestLatestDaysAreReadAgainOnceADay(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 2)
	v.bonus[ownerName(1)] = 7
	v.pass(sweep.Request{})
	calls := len(v.called)
	v.advance(24 * time.Hour)
	v.bonus[ownerName(0)] = 5 // a correction
	v.silent[ownerName(1)] = true
	v.pass(sweep.Request{})
	require.Len(t, v.called, calls+2, "three days of two owners by day")
	v.pass(sweep.Request{})
	require.Len(t, v.called, calls+2)
	require.Equal(t, "2026-11-18 2026-11-19", v.scalar(
		"select string_agg(day::text, ' ' order by day) from groupchat.owner_stat_history where owner_id = 'u000' and msg_total = 0"))
	require.Equal(t, "2026-11-18 2026-11-19", v.scalar(
		"select string_agg(day::text, ' ' order by day) from groupchat.owner_stat_history where owner_id = 'u001' and msg_total = 7"))
	require.Equal(t, "2026-11-17", v.scalar("select max(day) from groupchat.owner_stat where owner_id = 'u001'"),
		"what the vendor has withdrawn stands in the history alone")
}

func TestNothingIsAskedBeforeTheReadyHour(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 1)
	v.now = time.Date(2026, 11, 20, 5, 59, 0, 0, china)
	v.pass(sweep.Request{})
	for _, c := range v.called {
		require.LessOrEqual(t, c.To.String(), "2026-11-18")
	}
	v.advance(time.Minute)
	v.called = nil
	v.pass(sweep.Request{})
	require.NotEmpty(t, v.called)
	require.Equal(t, "2026-11-19", v.called[0].To.String())
}

func TestRefusedOwnerKeepsNobody(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 100)
	v.refused[ownerName(42)] = true
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.LessOrEqual(t, len(v.called), 180+4*16, "halved once or so, then left out")
	require.EqualValues(t, len(v.called), res.Pass.Counts.Calls, "those that were refused count, too")
	require.Equal(t, fmt.Sprint(99*180), v.days("covered"))
	require.Equal(t, "u042 40003", v.scalar("select subject || ' ' || refused_code from sync.coverage where not isempty(refused)"))

	v.called = nil
	v.pass(sweep.Request{})
	require.Empty(t, v.called, "not again today")
	delete(v.refused, ownerName(42))
	v.advance(25 * time.Hour)
	v.pass(sweep.Request{})
	require.Equal(t, fmt.Sprint(100*181-1), v.days("covered"), "one day of the culprit has expired; it was not in the sure window yet")
	require.Empty(t, v.days("lost"))
}

func TestUnreadableRowIsNoEmptyDay(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 3)
	v.broken[ownerName(1)] = true
	v.silent[ownerName(2)] = true
	v.pass(sweep.Request{})
	require.Equal(t, "u001 unreadable", v.scalar("select subject || ' ' || refused_code from sync.coverage where not isempty(refused)"))
	require.Equal(t, "180", v.scalar(`select sum(upper(r) - lower(r)) from sync.coverage c, unnest(c.covered) r where subject = 'u002'`),
		"nothing to tell is an answer")
}

// Down for 200 days: what left the window is lost, the rest is fetched.
func TestLostDaysAreNoted(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 5)
	v.pass(sweep.Request{})
	v.advance(200 * 24 * time.Hour)
	v.pass(sweep.Request{})
	// Unread are the days from 2026-11-20 on; the window now begins on 2026-12-11.
	require.Equal(t, fmt.Sprint(5*20), v.days("lost"))
	require.Equal(t, "{[2026-11-20,2026-12-10)}", v.scalar("select distinct lost from sync.coverage"))
	require.Equal(t, fmt.Sprint(5*(180+180)), v.days("covered"))
}

// The clock passes midnight in the middle of a pass: what has expired is cut off
// when it is sent, and the new yesterday is asked for before the pass ends.
func TestMidnightInTheMiddle(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 30)
	v.reach = 179
	inner := v.source.answer
	var calls atomic.Int64
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		if calls.Add(1) == 20 {
			v.advance(24 * time.Hour)
		}
		return inner(c, cursor)
	}
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	covered := v.scalar("select distinct covered from sync.coverage")
	require.Contains(t, covered, "2026-11-21)")
	var asked []string
	for _, c := range v.called {
		asked = append(asked, c.From.String())
	}
	require.False(t, slices.Contains(asked, "2026-05-23"), "two days beyond the new window's reach")
}

// Midnight comes right after the plan was made: a span is cut to what the vendor
// keeps by then, and one day alone is all that is tried beyond.
func TestSpansAreCutWhenTheyAreSent(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 3)
	v.reach, v.spec.Concurrency = 179, 1
	inner := v.source.answer
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		if v.source.calls.Load() == 1 {
			v.advance(24 * time.Hour)
		}
		return inner(c, cursor)
	}
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	today := model.DayOf(v.clock(), china)
	spans := 0
	for _, call := range v.called[1:] {
		farthest := 180
		if call.From != call.To {
			spans, farthest = spans+1, 179
		}
		require.LessOrEqual(t, today.Sub(call.From), farthest, "%s to %s", call.From, call.To)
	}
	require.Positive(t, spans)
	require.Equal(t, "{[2026-05-26,2026-11-21)}", v.scalar("select distinct covered from sync.coverage"))
}

func TestThrottledWindowResumes(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 40)
	inner := v.source.answer
	var calls atomic.Int64
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		if calls.Add(1) == 50 {
			return model.Page{}, &fetch.Error{Class: fetch.ClassThrottled, Code: "45009", RetryAfter: time.Hour}
		}
		return inner(c, cursor)
	}
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.Equal(t, v.clock().Add(time.Hour), res.ResumeAt)
	res = v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, fmt.Sprint(40*180), v.days("covered"))
	require.Len(t, v.called, 180, "no call is made twice")
}
