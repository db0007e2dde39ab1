package store_test

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"testing"
	"time"
	_ "time/tzdata" // zones must load on hosts without a zone database

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func shanghai(tb testing.TB) *time.Location {
	tb.Helper()
	zone, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(tb, err)
	return zone
}

// meterBench is a meter with a clock that is set by hand.
type meterBench struct {
	t     require.TestingT
	pool  *pgxpool.Pool
	now   time.Time
	meter *store.Meter
}

func newMeterBench(t *testing.T, perMonth int, share float64) *meterBench {
	t.Helper()
	m := &meterBench{t: t, pool: storetest.New(t), now: time.Date(2026, 11, 1, 0, 0, 0, 0, shanghai(t))}
	m.start("acme", perMonth, share, m.now.Location())
	return m
}

// start makes the meter of a process that has just been started.
func (m *meterBench) start(source string, perMonth int, share float64, zone *time.Location) {
	m.meter = store.NewMeter(store.New(m.pool), store.MeterOptions{
		Source: source, PerMonth: perMonth, ReadsShare: share, Zone: zone, Now: func() time.Time { return m.now },
	})
}

func (m *meterBench) take(lane string) (time.Duration, string) {
	wait, why, err := m.meter.Take(context.Background(), lane)
	require.NoError(m.t, err)
	return wait, why
}

// drain takes calls until there is none left, and returns how many there were.
func (m *meterBench) drain(lane string) (calls int, wait time.Duration, why string) {
	for {
		if wait, why = m.take(lane); wait > 0 {
			return calls, wait, why
		}
		calls++
	}
}

func (m *meterBench) use() store.MeterUse {
	use, err := m.meter.Use(context.Background())
	require.NoError(m.t, err)
	return use
}

func TestAMonthOfCallsLastsAMonth(t *testing.T) {
	t.Parallel()
	m := newMeterBench(t, 60, 0.5) // 2 calls a day of November, 3 days of them ahead at first
	n, wait, why := m.drain("reads")
	require.Equal(t, 3, n)
	require.Equal(t, 24*time.Hour, wait)
	require.Equal(t, "today's part of the 30 calls of the month, of 60, that may ask who has read messages is used up", why)
	m.now = m.now.Add(10 * time.Hour)
	n, wait, why = m.drain("")
	require.Equal(t, 4, n, "what reads may not have")
	require.Equal(t, 14*time.Hour, wait)
	require.Equal(t, "today's part of the 60 calls of the month is used up", why)
	n, wait, _ = m.drain("reads")
	require.Zero(t, n)
	require.Equal(t, 14*time.Hour, wait)

	m.now = m.now.Add(14*time.Hour - time.Nanosecond)
	_, wait, _ = m.drain("")
	require.Equal(t, time.Nanosecond, wait)
	m.now = m.now.Add(time.Nanosecond)
	n, _, _ = m.drain("other")
	require.Equal(t, 2, n)
	m.now = m.now.AddDate(0, 0, 6)
	require.Equal(t, store.MeterUse{
		Month: time.Date(2026, 11, 1, 0, 0, 0, 0, m.now.Location()), MonthEnd: time.Date(2026, 12, 1, 0, 0, 0, 0, m.now.Location()),
		Lanes: [2]store.LaneUse{
			{Limit: 60, Used: 9, Left: 51, LeftToday: 11},
			{Lane: store.LaneReads, Limit: 30, Used: 3, Left: 27, LeftToday: 7},
		},
	}, m.use())
	n, _, _ = m.drain("")
	require.Equal(t, 11, n, "days that were not used up are left")

	m.now = m.now.AddDate(0, 0, 30-8)
	n, wait, why = m.drain("reads")
	require.Equal(t, 27, n)
	require.Equal(t, 24*time.Hour, wait)
	require.Equal(t, "the 30 calls of the month, of 60, that may ask who has read messages are used up", why)
	n, wait, why = m.drain("")
	require.Equal(t, 13, n)
	require.Equal(t, 24*time.Hour, wait)
	require.Equal(t, "the 60 calls of the month are used up", why)
	require.Zero(t, m.use().Lanes[0].Left)
	m.now = m.now.Add(wait)
	n, _, _ = m.drain("")
	require.Equal(t, 60*(1*31+3*30)/(31*31), n, "a new month")
}

// What a list lacks is read by itself until half of a day's calls is left, which are
// the lists': on every day they find as many.
func TestChecksLeaveCallsToTheLists(t *testing.T) {
	t.Parallel()
	m := newMeterBench(t, 600, 0.5) // 20 calls a day of November, 3 days of them ahead at first
	n, wait, why := m.drain(store.LaneChecks)
	require.Equal(t, 68, n)
	require.Equal(t, 24*time.Hour, wait)
	require.Equal(t, "today's part of the 590 calls of the month, of 600, that what is missing may be read by itself with is used up", why)
	for day := 1; day <= 30; day++ {
		n, _, _ = m.drain("")
		require.GreaterOrEqual(t, n, 10, "day %d", day)
		n, _, _ = m.drain(store.LaneChecks)
		require.Zero(t, n)
		m.now = m.now.AddDate(0, 0, 1)
		if day < 30 {
			n, _, _ = m.drain(store.LaneChecks)
			require.Positive(t, n)
		}
	}
	m.now = m.now.Add(-time.Nanosecond)
	require.Zero(t, m.use().Lanes[0].Left)
	_, why = m.take(store.LaneChecks)
	require.Equal(t, "the 600 calls of the month are used up", why)
}

// Whoever makes every call that there is finds some on every day, the last one
// included.
func TestEveryDayOfAMonthHasCalls(t *testing.T) {
	t.Parallel()
	m := newMeterBench(t, 300, 0.5)
	sum := 0
	for day := 1; day <= 30; day++ {
		n, _, _ := m.drain([]string{"", "reads"}[day%2])
		require.GreaterOrEqual(t, n, 4, "day %d", day)
		rest, _, _ := m.drain("")
		require.GreaterOrEqual(t, n+rest, 9, "day %d", day)
		sum += n + rest
		m.now = m.now.AddDate(0, 0, 1)
	}
	require.Equal(t, 300, sum)
}

func TestASmallMonthWaitsForTheDayOfItsNextCall(t *testing.T) {
	t.Parallel()
	m := newMeterBench(t, 5, 0) // one call in 6 days
	n, wait, _ := m.drain("")
	require.Zero(t, n)
	require.Equal(t, 3*24*time.Hour, wait, "on the 4th, with less than 3 days ahead")
	_, wait, why := m.drain("reads")
	require.Equal(t, 30*24*time.Hour, wait)
	require.Equal(t, "the 0 calls of the month, of 5, that may ask who has read messages are used up", why)
	m.now = m.now.AddDate(0, 0, 3)
	n, wait, _ = m.drain("")
	require.Equal(t, 1, n)
	require.Equal(t, 6*24*time.Hour, wait)
}

func TestTheVendorsWordBlocksEverybody(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := newMeterBench(t, 3000, 1)
	until := m.now.AddDate(0, 1, 5)
	require.NoError(t, m.meter.Spent(ctx, until, "ApiCountLimitForOrg"))
	require.NoError(t, m.meter.Spent(ctx, m.now.Add(time.Hour), "a shorter one"))
	m.start("acme", 3000, 1, m.now.Location())
	for _, lane := range []string{"", "reads"} {
		wait, why := m.take(lane)
		require.Equal(t, until.Sub(m.now), wait)
		require.Equal(t, "the vendor says that no call is left until 2026-12-06T00:00:00+08:00 (ApiCountLimitForOrg)", why)
	}
	m.now = until.Add(-time.Second)
	wait, _ := m.take("")
	require.Equal(t, time.Second, wait, "in the next month as well")
	require.Equal(t, until, m.use().BlockedUntil.In(until.Location()))
	m.now = until
	wait, _ = m.take("")
	require.Zero(t, wait)
	require.Zero(t, m.use().BlockedUntil)
	m.start("another", 3000, 1, m.now.Location())
	m.now = m.now.AddDate(0, -1, 0)
	wait, _ = m.take("")
	require.Zero(t, wait, "another source")
}

// An organisation that has bought calls says so by a greater limit: that lifts the
// vendor's word, for whoever has it, until the vendor says it again.
func TestAGreaterLimitLiftsTheVendorsWord(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	m := newMeterBench(t, 3000, 1)
	until := m.now.AddDate(0, 1, 0)
	with := func(perMonth int) *meterBench {
		n := *m
		n.start("acme", perMonth, 1, m.now.Location())
		return &n
	}
	blocked := func(perMonth int) bool {
		n := with(perMonth)
		wait, _ := n.take("")
		require.Equal(t, wait > 0, !n.use().BlockedUntil.IsZero())
		return wait > 0
	}
	require.NoError(t, m.meter.Spent(ctx, until, "ApiCountLimitForOrg"))
	for _, limit := range []int{2000, 3000} {
		require.True(t, blocked(limit), "%d", limit)
	}
	require.False(t, blocked(3001))
	require.True(t, blocked(3000), "a process that has not heard of it")
	require.Equal(t, int64(1), m.use().Lanes[0].Used, "nothing else was booked")

	require.NoError(t, with(3001).meter.Spent(ctx, until, "ApiCountLimitForOrg"))
	require.NoError(t, m.meter.Spent(ctx, until.Add(time.Second), "a call of before, answered late"))
	require.True(t, blocked(3001))
	require.False(t, blocked(3002))
	m.now = m.now.AddDate(0, 1, 0)
	require.True(t, blocked(3001), "in the first second of the next month as well")
	require.False(t, blocked(3002))
	m.now = m.now.Add(time.Second)
	require.False(t, blocked(2000))
}

// Many processes take the last calls at the same time.
func TestNeverMoreCallsThanThereAre(t *testing.T) {
	t.Parallel()
	pool, now := storetest.New(t), time.Date(2026, 11, 10, 12, 0, 0, 0, shanghai(t))
	var mu sync.Mutex
	taken := map[string]int{}
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			meter := store.NewMeter(store.New(pool), store.MeterOptions{
				Source: "acme", PerMonth: 300, ReadsShare: 0.3, Zone: now.Location(), Now: func() time.Time { return now },
			})
			lane := []string{"", "reads"}[i%2]
			for {
				wait, _, err := meter.Take(t.Context(), lane)
				if !assertNoError(t, err) || wait > 0 {
					return
				}
				mu.Lock()
				taken[lane]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	require.Equal(t, 120, taken[""]+taken["reads"], "10 of 30 days, and 2 ahead")
	require.LessOrEqual(t, taken["reads"], 36)
	require.Equal(t, fmt.Sprint(120, taken["reads"]), scalar[string](&bench{t: t, pool: pool},
		"select concat_ws(' ', used, reads_used) from sync.call_budget"))
}

// Whatever happens in which order, what is granted stays inside the month's limit, the
// day's part and the lane's share, and a refusal is one that these ask for and lasts
// as long as it says.
func TestMeterKeepsItsRules(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	sources := 0
	rapid.Check(t, func(t *rapid.T) {
		sources++
		o := &meterOracle{
			limit: rapid.IntRange(1, 200).Draw(t, "limit"), share: float64(rapid.IntRange(0, 10).Draw(t, "share")) / 10,
			zone: rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("east", 8*3600), time.FixedZone("west", -11*3600)}).Draw(t, "zone"),
			used: map[string]int{}, reads: map[string]int{},
		}
		source := fmt.Sprint("s", sources)
		m := &meterBench{t: t, pool: pool, now: time.Unix(rapid.Int64Range(1.7e9, 1.9e9).Draw(t, "now"), 0).In(o.zone)}
		m.start(source, o.limit, o.share, o.zone)
		for range rapid.IntRange(1, 12).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"take", "take", "take", "pass", "pass", "restart", "spent"}).Draw(t, "step") {
			case "take":
				lane := rapid.SampledFrom([]string{"", "reads"}).Draw(t, "lane")
				for range rapid.IntRange(1, 40).Draw(t, "calls") {
					wait, why := m.take(lane)
					require.Equal(t, o.wait(m.now, lane), wait, why)
					if wait > 0 {
						require.NotEmpty(t, why)
						break
					}
					o.used[m.now.Format("2006-01")]++
					if lane == "reads" {
						o.reads[m.now.Format("2006-01")]++
					}
				}
			case "pass":
				m.now = m.now.Add(time.Duration(rapid.IntRange(1, 20*24*60).Draw(t, "minutes")) * time.Minute)
			case "restart":
				m.start(source, o.limit, o.share, o.zone)
			case "spent":
				until := m.now.Add(time.Duration(rapid.IntRange(-60, 30*24*60).Draw(t, "until")) * time.Minute)
				require.NoError(t, m.meter.Spent(context.Background(), until, "code"))
				if until.After(o.blocked) {
					o.blocked = until
				}
			}
			use, month := m.use(), m.now.Format("2006-01")
			require.Equal(t, int64(o.used[month]), use.Lanes[0].Used)
			require.Equal(t, int64(o.reads[month]), use.Lanes[1].Used)
		}
		for month, n := range maps.All(o.used) {
			require.LessOrEqual(t, n, o.limit, month)
			require.LessOrEqual(t, float64(o.reads[month]), o.share*float64(o.limit)+1e-6, month)
		}
	})
}

// meterOracle says how long to wait, by looking at every midnight to come.
type meterOracle struct {
	limit       int
	share       float64
	zone        *time.Location
	used, reads map[string]int
	blocked     time.Time
}

func (o *meterOracle) wait(now time.Time, lane string) time.Duration {
	if o.blocked.After(now) {
		return o.blocked.Sub(now)
	}
	for at := now; ; {
		if o.allows(at, lane) {
			return at.Sub(now)
		}
		next := at.AddDate(0, 0, 1)
		at = time.Date(next.Year(), next.Month(), next.Day(), 0, 0, 0, 0, o.zone)
		if at.Month() != now.Month() {
			return at.Sub(now) // another month begins: ask again
		}
	}
}

func (o *meterOracle) allows(at time.Time, lane string) bool {
	month := at.Format("2006-01")
	days := time.Date(at.Year(), at.Month()+1, 0, 0, 0, 0, 0, o.zone).Day()
	part := float64(o.limit) * (float64(at.Day()) + 3*float64(days-at.Day())/float64(days)) / float64(days)
	whole := float64(int(part + 1e-9))
	return float64(o.used[month]+1) <= part+1e-9 &&
		(lane != "reads" || float64(o.reads[month]+1) <= o.share*whole+1e-9)
}
