package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

var china = time.FixedZone("CST", 8*60*60)

// clockFile in the environment of a child names a file with what its clock is
// ahead of the real one, or with the instant at which it stands still.
const clockFile = "SYNCD_TEST_CLOCK_FILE"

// childClock is the clock of a child process.
func childClock() time.Time {
	now := time.Now()
	text, err := os.ReadFile(os.Getenv(clockFile))
	if err != nil {
		return now
	}
	if still, err := time.Parse(time.RFC3339Nano, string(text)); err == nil {
		return still
	}
	ahead, err := time.ParseDuration(strings.TrimSpace(string(text)))
	if err != nil {
		return now
	}
	return now.Add(ahead)
}

// statSite is a site with statistics whose processes share the tenant's clock.
type statSite struct {
	*site
	clock string
	began time.Time
	// ahead is what the clocks of syncd are ahead of the real one, unless they are
	// frozen.
	ahead  time.Duration
	frozen bool
}

func newStatSite(tb testing.TB, o vendorsim.Options) *statSite {
	tb.Helper()
	o.Resigned, o.StatDaysBack = vendorsim.ResignedFiltered, 179
	o.VisibleMax = 1_000_000
	s := &statSite{site: newSite(tb, o), began: time.Now(), clock: filepath.Join(tb.TempDir(), "clock")}
	s.env[clockFile] = s.clock
	s.setClock()
	s.stats = true
	s.configure(s.vendor.URL, "")
	return s
}

// setClock puts the clock of syncd where the tenant's is, which stands still.
func (s *statSite) setClock() {
	s.ahead = time.Until(s.sim.Now())
	text := s.ahead.String()
	if s.frozen {
		text = s.sim.Now().Format(time.RFC3339Nano)
	}
	require.NoError(s.t, os.WriteFile(s.clock+".new", []byte(text), 0o600))
	require.NoError(s.t, os.Rename(s.clock+".new", s.clock))
}

// freeze has the clock of syncd stand still, too: no day ends and nothing is due
// while a busy machine does its work. Details that have to be read twice are not
// read then, for no time goes by in between.
func (s *statSite) freeze() {
	s.frozen = true
	s.setClock()
}

func (s *statSite) advance(d time.Duration) {
	_, err := s.sim.Advance(d)
	require.NoError(s.t, err)
	s.setClock()
}

// now is the clock of commands in this process.
func (s *statSite) now(h *host) {
	ahead, frozen, still := s.ahead, s.frozen, s.sim.Now()
	h.now = func() time.Time {
		if frozen {
			return still
		}
		return time.Now().Add(ahead)
	}
}

// day returns the day n days before the tenant's today.
func (s *statSite) day(n int) time.Time {
	y, m, d := s.sim.Now().In(china).Date()
	return time.Date(y, m, d-n, 0, 0, 0, 0, time.UTC)
}

// figuresOf reads the rows of owners and days between two days, as text.
func (s *statSite) figuresOf(from, to time.Time) map[string]string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `
		select owner_id || ' ' || day, concat_ws(' ', new_chat_cnt, chat_total, chat_has_msg, new_member_cnt,
		                                         member_total, member_has_msg, msg_total)
		  from groupchat.owner_stat where day between $1 and $2`, from, to)
	require.NoError(s.t, err)
	have := map[string]string{}
	var key, value string
	_, err = pgx.ForEachRow(rows, []any{&key, &value}, func() error {
		have[key] = value
		return nil
	})
	require.NoError(s.t, err)
	return have
}

// truthOf is what the vendor would answer now for these owners and days.
func (s *statSite) truthOf(owners []string, from, to time.Time) map[string]string {
	s.t.Helper()
	want := map[string]string{}
	for _, owner := range owners {
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			noon := time.Date(day.Year(), day.Month(), day.Day(), 12, 0, 0, 0, china)
			if f, ok := s.sim.OwnerDay(owner, noon, s.sim.Now()); ok {
				want[owner+" "+day.Format(time.DateOnly)] = fmt.Sprint(f.NewChatCnt, f.ChatTotal, f.ChatHasMsg,
					f.NewMemberCnt, f.MemberTotal, f.MemberHasMsg, f.MsgTotal)
			}
		}
	}
	return want
}

func (s *statSite) owners() []string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), "select owner_id from groupchat.owner order by owner_id")
	require.NoError(s.t, err)
	ids, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	return ids
}

// callsCommitted is how many calls the passes of owner_stats made whose answers
// are in the database.
func (s *statSite) callsCommitted() int {
	s.t.Helper()
	return scalar[int](s.site, "select coalesce(sum(calls), 0)::int from sync.pass where stream = 'owner_stats'")
}

// notCovering counts the owners whose statistics of a day are not there.
func (s *statSite) notCovering(day time.Time) int {
	s.t.Helper()
	return scalar[int](s.site, `select count(*) from groupchat.owner o where not exists (
		select from sync.coverage c where (c.source, c.subject, c.stream) = (o.source, o.owner_id, 'owner_stats')
		   and c.covered @> $1::date)`, day)
}

// The whole window of 250 owners from nothing, killed twenty times, with midnight
// in the middle: every owner and day is there, none is lost, and no call is made
// that the plan or a kill does not account for.
func TestStatisticsSurviveKillsAndMidnight(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 11, Chats: 500, Owners: 262, MeanMembers: 4, MaxMembers: 20,
		Start: time.Date(2026, 11, 19, 23, 50, 0, 0, china),
	})
	s.freeze()
	s.runOn(s.now, "sync", "acme/owners")
	require.GreaterOrEqual(t, len(s.owners()), 250, "a few of the tenant's staff have resigned")
	s.sim.ResetCalls()

	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	draw := rand.New(rand.NewPCG(seed, seed))
	const kills = 20
	for n := range kills {
		k := draw.Int64N(20) + 3
		switch n {
		case kills/2 - 1:
			k = 22
		case kills / 2:
			s.advance(20 * time.Minute) // past midnight
		}
		var calls atomic.Int64
		due := make(chan struct{})
		s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
			if r.Endpoint == vendorsim.EndpointStatistic || r.Endpoint == vendorsim.EndpointStatisticByDay {
				if at := calls.Add(1); at == k {
					close(due)
				} else if at > k {
					<-ctx.Done()
				}
			}
			return vendorsim.Verdict{}
		}})
		before := s.callsCommitted()
		c := s.start("sync", "acme/owner_stats")
		if n == kills/2-1 {
			// What leaves the window at midnight is among the first to be asked for.
			// How much is committed before a kill is the machine's affair, so the
			// last process before midnight lives until that day is there.
			eventually(t, "the day that leaves at midnight is covered", func() error {
				if missing := s.notCovering(s.day(179)); missing > 0 {
					return fmt.Errorf("%d owners miss it", missing)
				}
				return nil
			})
		} else if n%2 == 0 {
			// Time goes by, as it does on a machine that is not busy: something is
			// committed before the kill.
			eventually(t, "a page is committed", func() error {
				select {
				case <-c.done:
					return nil
				default:
				}
				if s.callsCommitted() <= before {
					return errNotYet
				}
				return nil
			})
		}
		s.killWhen(c, due)
		_, err := s.pool.Exec(t.Context(), "update sync.lease set expires_at = '-infinity'")
		require.NoError(t, err)
	}
	s.sim.SetScript(vendorsim.Script{})
	s.sim.ResetCalls()
	before := s.callsCommitted()
	r := s.start("sync", "acme/owner_stats").wait()
	require.Equal(t, exitOK, r.code, r)

	owners := s.owners()
	from, to := s.day(179), s.day(2) // yesterday is not told before six
	require.Equal(t, s.truthOf(owners, from, to), s.figuresOf(from, to))
	require.Equal(t, len(owners)*178, scalar[int](s.site, `select sum((upper(r * daterange($1, $2, '[]')) - lower(r * daterange($1, $2, '[]'))))::int
		from sync.coverage c, unnest(c.covered) r where stream = 'owner_stats' and r && daterange($1, $2, '[]')`, from, to))
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.coverage where not isempty(lost) or stream = 'owner_stats' and not isempty(refused * datemultirange(daterange($1, $2, '[]')))", from, to))

	// 250 owners are three batches on each of 180 days; midnight puts one day out
	// and lets the vendor refuse one more. A killed process loses what it had not
	// committed, nobody else loses anything.
	const planned = 3*180 + 6
	committed := s.callsCommitted()
	t.Logf("%d calls committed, %d planned", committed, planned)
	require.LessOrEqual(t, committed, planned)
	c := s.sim.Calls()
	require.Equal(t, committed-before, c[vendorsim.EndpointStatistic].Calls+c[vendorsim.EndpointStatisticByDay].Calls)
}

// The host's time zone changes nothing, not even where its clocks change: in Los
// Angeles the second sync is at the half past one of the first, which comes twice.
func TestStatisticsUnderAnyZone(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 1, 16, 30, 0, 0, china)
	var first map[string]string
	for _, zone := range []string{"America/Los_Angeles", "Asia/Shanghai", "UTC"} {
		s := newStatSite(t, vendorsim.Options{Seed: 5, Chats: 30, Owners: 6, MeanMembers: 4, MaxMembers: 20, Start: start})
		s.env["TZ"] = zone
		for _, later := range []time.Duration{0, time.Hour, 24 * time.Hour} { // all members are due again at last
			s.advance(later)
			r := s.start("sync").wait()
			require.Equal(t, exitOK, r.code, r)
		}
		sums := s.checksums()
		require.NotContains(t, sums["owner_stat"], "0 rows")
		if first == nil {
			first = sums
		}
		require.Equal(t, first, sums, zone)
	}
}

// Late corrections of the vendor arrive, and the former figures stay to be read.
func TestCorrectionsArrive(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 3, Chats: 60, Owners: 8, MeanMembers: 4, MaxMembers: 20, Corrections: 500,
		Start: time.Date(2026, 11, 10, 9, 0, 0, 0, china),
	})
	for range 5 {
		require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
		from, to := s.day(179), s.day(1)
		require.Equal(t, s.truthOf(s.owners(), from, to), s.figuresOf(from, to))
		s.advance(24 * time.Hour)
	}
	require.NotZero(t, scalar[int](s.site, "select count(*) from groupchat.owner_stat_history"))
	require.Zero(t, scalar[int](s.site, "select count(*) from groupchat.owner_stat_history where known_from >= known_until"))
}
