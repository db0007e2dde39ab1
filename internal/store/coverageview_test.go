package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// dayBook is coverage kept the plain way, a fact per day, to hold the views
// against.
type dayBook struct {
	zone            *time.Location
	days, readyHour int
	subjects        map[string]*bookSubject
	figures         map[string]map[model.Day]bool
}

type bookSubject struct {
	firstSeen              model.Day
	covered, lost, refused map[model.Day]bool
}

// state says what is known of a day, straight from the words of the design; ""
// where nobody wants the day.
func (b *dayBook) state(subject string, day model.Day, now time.Time) store.CoverageState {
	s := b.subjects[subject]
	today := model.DayOf(now, b.zone)
	newest := today.Add(-1)
	if now.In(b.zone).Hour() < b.readyHour {
		newest = today.Add(-2)
	}
	inWindow := today.Sub(day) <= b.days && day.Compare(newest) <= 0
	left := day.Add(b.days + 1).In(b.zone) // when it leaves the window
	wasInWindow := s.firstSeen.Sub(day) <= b.days && !left.After(now)
	switch {
	case s.covered[day] && b.figures[subject][day]:
		return store.DayCovered
	case s.covered[day]:
		return store.DayEmpty
	case s.lost[day] || wasInWindow:
		return store.DayLost
	case !inWindow:
		return ""
	case s.refused[day]:
		return store.DayRefused
	case left.Sub(now) <= 48*time.Hour:
		return store.DayAtRisk
	}
	return store.DayPending
}

func randomDays(rng *rand.Rand, from, to model.Day) map[model.Day]bool {
	set := map[model.Day]bool{}
	for range rng.IntN(4) {
		at, n := from.Add(rng.IntN(to.Sub(from)+1)), rng.IntN(15)
		for d := at; d.Compare(to) <= 0 && d.Sub(at) <= n; d = d.Add(1) {
			set[d] = true
		}
	}
	return set
}

// multirange writes a set of days as PostgreSQL reads it.
func multirange(set map[model.Day]bool) string {
	var parts []string
	for _, d := range slices.SortedFunc(maps.Keys(set), model.Day.Compare) {
		parts = append(parts, fmt.Sprintf("[%s,%s]", d, d))
	}
	return "{" + strings.Join(parts, ",") + "}"
}

func newDayBook(t *testing.T, pool *pgxpool.Pool, rng *rand.Rand, zone string, today model.Day) *dayBook {
	t.Helper()
	location, err := time.LoadLocation(zone)
	require.NoError(t, err)
	b := &dayBook{
		zone: location, days: 25, readyHour: 6, subjects: map[string]*bookSubject{}, figures: map[string]map[model.Day]bool{},
	}
	var batch pgx.Batch
	exec := func(sql string, args ...any) { batch.Queue(sql, args...) }
	exec("insert into sync.source values ('acme', 'wecom', 'ww1', $1, now(), true)", zone)
	exec("insert into sync.stat_window values ('acme', 'owner_stats', $1, $2)", b.days, b.readyHour)
	for i := range 12 {
		s := &bookSubject{firstSeen: today.Add(-rng.IntN(60))}
		oldest := s.firstSeen.Add(-b.days)
		s.covered = randomDays(rng, oldest, today.Add(-1))
		s.refused = randomDays(rng, oldest, today.Add(-1))
		s.lost = randomDays(rng, oldest, later(oldest, today.Add(-b.days-1)))
		for d := range s.covered {
			delete(s.refused, d)
			delete(s.lost, d)
		}
		id := fmt.Sprintf("u%02d", i)
		b.subjects[id], b.figures[id] = s, map[model.Day]bool{}
		exec(`insert into sync.coverage (source, stream, subject, covered, lost, refused, refused_code, first_seen_on)
			values ('acme', 'owner_stats', $1, $2::text::datemultirange, $3::text::datemultirange, $4::text::datemultirange, '40003', $5::text::date)`,
			id, multirange(s.covered), multirange(s.lost), multirange(s.refused), s.firstSeen.String())
		for d := range s.covered {
			if rng.IntN(3) > 0 {
				b.figures[id][d] = true
				exec(`insert into groupchat.owner_stat (source, owner_id, day, msg_total, fetched_at, hash)
					values ('acme', $1, $2::text::date, 0, now(), 0)`, id, d.String())
			}
		}
	}
	require.NoError(t, pool.SendBatch(t.Context(), &batch).Close())
	return b
}

// The views say of every owner and day what the definitions say, at any moment,
// in any zone.
func TestCoverageViewsFollowTheDefinitions(t *testing.T) {
	t.Parallel()
	for seed, zone := range []string{"Asia/Shanghai", "America/Los_Angeles", "UTC"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			pool := storetest.New(t)
			s := store.New(pool)
			rng := rand.New(rand.NewPCG(1, uint64(seed)))
			today := model.DayOf(time.Date(2026, 11, 3, 12, 0, 0, 0, time.UTC), time.UTC)
			book := newDayBook(t, pool, rng, zone, today)
			noon := today.In(book.zone).Add(12 * time.Hour)
			for _, now := range []time.Time{
				noon, today.In(book.zone), today.In(book.zone).Add(-time.Second), today.In(book.zone).Add(5*time.Hour + 59*time.Minute),
				today.In(book.zone).Add(7 * time.Hour), noon.AddDate(0, 0, 9), noon.AddDate(0, 0, 60),
			} {
				checkViews(t, pool, s, book, now)
			}
		})
	}
}

func checkViews(t *testing.T, pool *pgxpool.Pool, s *store.Store, book *dayBook, now time.Time) {
	t.Helper()
	first, last := model.DayOf(now, book.zone).Add(-150), model.DayOf(now, book.zone).Add(5)
	wantDays := map[model.Day]map[store.CoverageState]int64{}
	wantOwners := map[string]string{}
	var want store.WindowStatus
	lostDates := map[model.Day]bool{}
	for id := range book.subjects {
		for d := first; d.Compare(last) <= 0; d = d.Add(1) {
			state := book.state(id, d, now)
			if state == "" {
				continue
			}
			if wantDays[d] == nil {
				wantDays[d] = map[store.CoverageState]int64{}
			}
			wantDays[d][state]++
			wantOwners[id+" "+d.String()] = string(state)
			inWindow := model.DayOf(now, book.zone).Sub(d) <= book.days
			switch {
			case state == store.DayPending:
				want.Pending++
			case state == store.DayAtRisk:
				want.AtRisk++
			case state == store.DayRefused:
				want.Refused++
			case state == store.DayLost:
				want.Lost++
				lostDates[d] = true
			case inWindow && d.Compare(newestOf(book, now)) <= 0:
				want.Held++
			}
		}
	}
	got, err := s.CoverageDays(t.Context(), "acme", "owner_stats", "", now)
	require.NoError(t, err)
	gotDays := map[model.Day]map[store.CoverageState]int64{}
	for _, d := range got {
		counts := map[store.CoverageState]int64{}
		for state, n := range map[store.CoverageState]int64{
			store.DayCovered: d.Covered, store.DayEmpty: d.Empty, store.DayPending: d.Pending,
			store.DayAtRisk: d.AtRisk, store.DayRefused: d.Refused, store.DayLost: d.Lost,
		} {
			if n > 0 {
				counts[state] = n
			}
		}
		gotDays[d.Day] = counts
		worst := store.DayCovered
		for _, state := range []store.CoverageState{store.DayEmpty, store.DayPending, store.DayAtRisk, store.DayRefused, store.DayLost} {
			if counts[state] > 0 {
				worst = state
			}
		}
		require.Equal(t, worst, d.State, "%s at %s", d.Day, now)
		require.True(t, d.LeavesAt.Equal(d.Day.Add(book.days+1).In(book.zone)), "%s leaves at %s", d.Day, d.LeavesAt)
	}
	require.Equal(t, wantDays, gotDays, now)
	require.True(t, slices.IsSortedFunc(got, func(a, b store.CoverageDay) int { return a.Day.Compare(b.Day) }))

	require.Equal(t, wantOwners, ownerDaily(t, pool, now), now)
	for _, id := range []string{"u00", "u07"} {
		days, err := s.CoverageDays(t.Context(), "acme", "owner_stats", id, now)
		require.NoError(t, err)
		for _, d := range days {
			require.Equal(t, wantOwners[id+" "+d.Day.String()], string(d.State))
			require.Equal(t, int64(1), d.Covered+d.Empty+d.Pending+d.AtRisk+d.Refused+d.Lost)
		}
		n := 0
		for key := range wantOwners {
			if strings.HasPrefix(key, id) {
				n++
			}
		}
		require.Len(t, days, n)
	}
	wantWanted := map[model.Day]int64{}
	for d, counts := range wantDays {
		if n := counts[store.DayPending] + counts[store.DayAtRisk]; n > 0 {
			wantWanted[d] = n
		}
	}
	status, err := s.WindowStatuses(t.Context(), "acme", now)
	require.NoError(t, err)
	have := status["owner_stats"]
	require.Equal(t, wantWanted, have.Wanted, now)
	require.Equal(t, []int64{want.Held, want.Pending, want.AtRisk, want.Refused, want.Lost, int64(len(lostDates)), 12},
		[]int64{have.Held, have.Pending, have.AtRisk, have.Refused, have.Lost, have.LostDates, have.Subjects})
	if len(lostDates) > 0 {
		order := slices.SortedFunc(maps.Keys(lostDates), model.Day.Compare)
		require.Equal(t, []model.Day{order[0], order[len(order)-1]}, []model.Day{have.LostFrom, have.LostTo})
	}
}

func newestOf(b *dayBook, now time.Time) model.Day {
	if now.In(b.zone).Hour() < b.readyHour {
		return model.DayOf(now, b.zone).Add(-2)
	}
	return model.DayOf(now, b.zone).Add(-1)
}

// ownerDaily reads bi.owner_daily as of a moment, and holds that figures stand
// exactly where the state says so.
func ownerDaily(t *testing.T, pool *pgxpool.Pool, now time.Time) map[string]string {
	t.Helper()
	tx, err := pool.Begin(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, tx.Rollback(t.Context())) }()
	_, err = tx.Exec(t.Context(), "select set_config('syncd.now', $1, true)", now.Format(time.RFC3339))
	require.NoError(t, err)
	rows, err := tx.Query(t.Context(), `select owner_id || ' ' || day, state, msg_total is not null, refused_code is not null
		from bi.owner_daily where source = 'acme'`)
	require.NoError(t, err)
	defer rows.Close()
	states := map[string]string{}
	for rows.Next() {
		var key, state string
		var figures, code bool
		require.NoError(t, rows.Scan(&key, &state, &figures, &code))
		require.NotContains(t, states, key, "a day is in the view twice")
		states[key] = state
		require.Equal(t, state == "covered", figures, key)
		require.Equal(t, state == "refused", code, key)
	}
	require.NoError(t, rows.Err())
	return states
}

func later(a, b model.Day) model.Day {
	if a.Compare(b) > 0 {
		return a
	}
	return b
}

// A stream that has its first pass while its source is asked how it stands is there
// for all statements, or for none of them.
func TestCoverageIsAskedForOneMoment(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	var before, after int
	err := store.AsOf(ctx, store.New(pool), t0, func(tx pgx.Tx) error {
		const count = "select count(*) from sync.coverage"
		require.NoError(t, tx.QueryRow(ctx, count).Scan(&before))
		_, err := pool.Exec(ctx, `insert into sync.coverage (source, stream, subject, first_seen_on)
			values ('acme', 'owner_stats', 'li', '2026-11-20')`)
		require.NoError(t, err)
		return tx.QueryRow(ctx, count).Scan(&after)
	})
	require.NoError(t, err)
	require.Equal(t, [2]int{0, 0}, [2]int{before, after})
}
