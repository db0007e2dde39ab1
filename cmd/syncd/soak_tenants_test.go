package main

import (
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
	"syncd/internal/vendorsim/scrm"
	"syncd/internal/vendorsim/serve"
)

// troubled is what simulators of all vendors have.
type troubled interface {
	http.Handler
	Arm(fault string) error
	Disarm()
	Advance(d time.Duration) (time.Time, error)
	Now() time.Time
}

// soakTenant is a simulated vendor with one tenant, and its source.
type soakTenant struct {
	name   string
	vendor troubled
	door   *door
	// source is its part of the configuration.
	source string
	// perMinute and inFlight are the configured limits at each endpoint.
	perMinute, inFlight int
	// newest is how far the tenant's clock may go.
	newest time.Time
	faults []string
	// refused tells what the vendor itself refused for its limits.
	refused func() map[string]int
	// check compares a database that holds this source alone with the vendor.
	check func(s *site)
	// messages are those of robots whose readers are followed.
	messages []dingtalk.Message
	// stats says that statistics are read.
	stats bool
}

// Faults after which everything is as it was, once they are lifted. Limits that
// are spent are not among them: the soak counts these.
var (
	soakNetworkFaults = []string{
		"gateway:p=0.05", "gateway:p=0.02,seed=7", "drop:p=0.03", "cut:p=0.03", "slow:p=0.02,delay=2s", "unknown-fields:p=0.1", "quoted-numbers:p=0.1",
	}
	soakWecomFaults = append([]string{
		"token-expired:p=0.01", "token-invalid:p=0.01", "busy:p=0.05", "cursor-dead:p=0.3", "cursor-repeated:p=0.1",
		"empty-pages:p=0.2", "rows-repeated:p=0.2", "rows-doubled:p=0.1",
	}, soakNetworkFaults...)
	soakDingFaults = append([]string{
		"token-expired:p=0.02", "unavailable:p=0.05", "system-error:p=0.05", "cursor-dead:p=0.3", "cursor-repeated:p=0.1",
		"rows-repeated:p=0.2", "rows-doubled:p=0.1",
	}, soakNetworkFaults...)
	soakScrmFaults = append([]string{
		"size-clamped:p=0.1", "page-ignored:p=0.05", "total-shrinks:p=0.1", "rows-repeated:p=0.2", "rows-doubled:p=0.1", "bad-time:p=0.05",
	}, soakNetworkFaults...)
)

// down makes a vendor answer nothing but errors, or nothing in time.
var down = []string{"gateway", "drop", "slow:delay=40s"}

// trouble changes what goes wrong at a tenant: nothing, little, much or all of it.
func (s *soakTenant) trouble(t *testing.T, draw *rand.Rand) {
	t.Helper()
	s.vendor.Disarm()
	if draw.IntN(10) == 0 {
		require.NoError(t, s.vendor.Arm(down[draw.IntN(len(down))]))
		return
	}
	for range draw.IntN(5) {
		require.NoError(t, s.vendor.Arm(s.faults[draw.IntN(len(s.faults))]))
	}
}

// live lets time pass at a tenant.
func (s *soakTenant) live(t *testing.T, draw *rand.Rand) {
	t.Helper()
	by := time.Duration(draw.IntN(240)) * time.Minute
	if s.vendor.Now().Add(by).Before(s.newest) {
		_, err := s.vendor.Advance(by)
		require.NoError(t, err)
	}
}

// newSoakTenant makes the i-th tenant.
func newSoakTenant(t *testing.T, i int, seed uint64) *soakTenant {
	t.Helper()
	var s *soakTenant
	switch i % 3 {
	case 0:
		s = wecomTenant(t, i, seed)
	case 1:
		s = dingTenant(t, i, seed)
	default:
		s = scrmTenant(t, i, seed)
	}
	s.door = &door{vendor: s.vendor, calls: map[string][]time.Time{}, inFlight: map[string]int{}, most: map[string]int{}}
	server := httptest.NewServer(s.door)
	t.Cleanup(server.Close)
	s.source = fmt.Sprintf(s.source, s.name, server.URL)
	return s
}

func codes[K comparable](calls map[string]serve.Calls[K], limits ...K) map[string]int {
	refused := map[string]int{}
	for endpoint, c := range calls {
		for _, code := range limits {
			if n := c.Codes[code]; n > 0 {
				refused[fmt.Sprint(endpoint, " ", code)] = n
			}
		}
	}
	return refused
}

// messagesAreTrue compares the mass messages of the last nine of ten days, with the
// receivers of staff, for others are refused, and the ways to join.
func messagesAreTrue(at *massSite, staff []string) {
	at.t.Helper()
	want, have := map[string]reach{}, at.storedReach()
	for id, m := range at.between(at.sim.Now().AddDate(0, 0, -9), at.sim.Now()) {
		want[id] = at.toldBy(m)
	}
	maps.DeleteFunc(have, func(id string, _ reach) bool { _, ok := want[id]; return !ok })
	for _, all := range []map[string]reach{want, have} {
		for _, one := range all {
			maps.DeleteFunc(one.Results, func(key, _ string) bool {
				sender, _, _ := strings.Cut(key, " ")
				return !slices.Contains(staff, sender)
			})
		}
	}
	require.NotEmpty(at.t, want)
	require.Empty(at.t, cmp.Diff(want, have))
	at.foreign = foreignWay
	require.Greater(at.t, at.waysAreTheTruth(), 1)
}

// foreignWay is a join way that does not exist.
const foreignWay = "9ad7fa5cdaa65112aaaaaaaaaaaaaaaa"

// wecomTenant lives by a clock of its own, twenty days behind; every second one is
// read with its statistics, mass messages and join ways instead, and stands still.
func wecomTenant(t *testing.T, i int, seed uint64) *soakTenant {
	t.Helper()
	s := &soakTenant{name: fmt.Sprintf("wecom-%d", i), perMinute: 150, inFlight: 4, faults: soakWecomFaults, stats: i%2 == 1}
	o := vendorsim.Options{
		Seed: seed, Chats: 60 + int(seed%60), Owners: 6, MeanMembers: 6, MaxMembers: 30, CorpID: fmt.Sprintf("wwsoak%010d", i), Secret: testSecret,
		Limits: vendorsim.Limits{PerMinute: s.perMinute + s.late(), PerHour: 20_000, Concurrency: s.inFlight, WrongSecrets: -1}, GroupMessages: -1,
		Start: time.Now().AddDate(0, 0, -20).Truncate(time.Second), Latency: 5 * time.Millisecond,
	}
	s.newest = time.Now().Add(-time.Hour)
	if s.stats {
		o.Start = time.Now().Truncate(time.Second)
		o.StatDaysBack, o.VisibleMax, o.GroupMessages = 179, 1_000_000, 2
	}
	sim, err := vendorsim.New(o)
	require.NoError(t, err)
	s.vendor = sim
	ways := []string{foreignWay}
	for way := range sim.JoinWays(sim.Now()) {
		ways = append(ways, way.ID)
	}
	s.refused = func() map[string]int { return codes(sim.Calls(), 45009, 45033) }
	s.check = func(at *site) {
		at.sim = sim
		at.nothingIsMissing()
		if s.stats {
			stats := &statSite{site: at}
			from, to := stats.day(9), stats.day(2) // yesterday may change yet
			staff := sim.FollowUsers(sim.Now())    // others are refused
			have := stats.figuresOf(from, to)
			maps.DeleteFunc(have, func(key, _ string) bool {
				owner, _, _ := strings.Cut(key, " ")
				return !slices.Contains(staff, owner)
			})
			require.NotEmpty(at.t, have)
			require.Equal(at.t, stats.truthOf(staff, from, to), have)
			messagesAreTrue(&massSite{statSite: stats}, staff)
		}
	}
	s.source = fmt.Sprintf(`  - name: %%s
    vendor: wecom
    base_url: %%s
    credentials: {corp_id: %s, secret: "${SOAK_SECRET}"}
    limits: {per_minute: %d, per_hour: 20000, concurrency: %d}
    streams:
      owners: {schedule: "@every 11s"}
      chats: {schedule: "@every 7s", page_size: 30}
      members: {schedule: "@every 5s", max_age: 40s}
      owner_stats: {enabled: %[4]t, schedule: "@every 20s", backfill_days: 10}
      daily_stats: {enabled: %[4]t, schedule: "@every 20s", backfill_days: 10}
      owner_period_stats: {enabled: false}
      group_messages: {enabled: %[4]t, schedule: "@every 15s", backfill_days: 10}
      group_message_tasks: {enabled: %[4]t, schedule: "@every 15s"}
      group_message_results: {enabled: %[4]t, schedule: "@every 15s"}
      join_ways: {enabled: %[4]t, schedule: "@every 25s", config_ids: [%[5]s]}
`, o.CorpID, s.perMinute, s.inFlight, s.stats, strings.Join(ways, ", "))
	return s
}

// dingTenant is some hours behind, within its message's life.
func dingTenant(t *testing.T, i int, seed uint64) *soakTenant {
	t.Helper()
	s := &soakTenant{name: fmt.Sprintf("ding-%d", i), perMinute: 2 * 60, inFlight: 3, faults: soakDingFaults}
	sim, err := dingtalk.New(dingtalk.Options{
		Seed: seed, Chats: 120 + int(seed%120), Sets: 5, MeanMembers: 10, MaxMembers: 40, Messages: 12, MessagesPerDay: -1,
		// Two calls fall due in any second, one more at its end, and as many as are under
		// way at once may be late, together.
		AppKey: fmt.Sprintf("dingsoak%d", i), AppSecret: testSecret, Limits: dingtalk.Limits{PerSecond: 2 + 1 + s.inFlight},
		Start: time.Now().Add(-6 * time.Hour).Truncate(time.Second), Latency: 5 * time.Millisecond,
	})
	require.NoError(t, err)
	s.vendor, s.newest = sim, time.Now().Add(-time.Hour)
	s.messages = slices.DeleteFunc(sim.Messages(sim.Now()), func(m dingtalk.Message) bool { return time.Since(m.SentAt) > 20*time.Hour })
	s.refused = func() map[string]int {
		const limit = "Forbidden.AccessDenied."
		return codes(sim.Calls(), limit+"QpsLimitForAppkeyAndApi", limit+"QpmLimitForAppkeyAndApi", limit+"ApiCountLimitForOrg", "banned")
	}
	s.check = func(at *site) {
		ding := &dingSite{site: at, sim: sim}
		ding.chatsAreTrue(sim.Now().Add(time.Second))
		ding.setsAreTrue()
		for _, m := range s.messages {
			ding.readersAreTrue(m.Key)
		}
		booked := scalar[int](at, "select coalesce(sum(used), 0)::int from sync.call_budget")
		require.LessOrEqual(at.t, sim.MonthlyCalls(), booked, "every call that counts is booked")
		require.LessOrEqual(at.t, booked, 5000)
	}
	s.source = fmt.Sprintf(`  - name: %%s
    vendor: dingtalk
    base_url: %%s
    credentials: {app_key: dingsoak%d, app_secret: "${SOAK_SECRET}"}
    limits: {per_second: 2, per_month: 5000, concurrency: %d}
    streams:
      group_sets: {schedule: "@every 20s"}
      chats: {schedule: "@every 13s", full_schedule: "@every 25s"}
      chat_checks: {schedule: "@every 15s"}
      message_reads: {schedule: "@every 30s"}
`, i, s.inFlight)
	return s
}

func scrmTenant(t *testing.T, i int, seed uint64) *soakTenant {
	t.Helper()
	s := &soakTenant{name: fmt.Sprintf("scrm-%d", i), perMinute: 2 * 60, inFlight: 3, faults: soakScrmFaults}
	sim, err := scrm.New(scrm.Options{
		Seed: seed, Groups: 80 + int(seed%120), Employees: 8, TasksMax: 3, AppID: fmt.Sprintf("tanma-soak-%d", i), AppKey: testSecret,
		PerSecond: 4, Start: time.Now().AddDate(0, 0, -20).Truncate(time.Second), Latency: 5 * time.Millisecond,
	})
	require.NoError(t, err)
	s.vendor, s.newest = sim, time.Now().Add(-time.Hour)
	s.refused = func() map[string]int { return codes(sim.Calls(), 429) }
	s.check = func(at *site) { at.sameAsSCRM(sim, nil) }
	s.source = fmt.Sprintf(`  - name: %%s
    vendor: scrm
    base_url: %%s
    credentials: {app_id: tanma-soak-%d, app_key: "${SOAK_SECRET}"}
    limits: {per_second: 2, concurrency: %d}
    streams:
      chats: {schedule: "@every 8s", page_size: 20}
`, i, s.inFlight)
	return s
}

// track has the messages of a tenant's robots followed, as their sender would.
func (s *soakTenant) track(t *testing.T, pool *pgxpool.Pool) {
	t.Helper()
	for _, m := range s.messages {
		_, err := pool.Exec(t.Context(), `insert into groupchat.robot_message
			(source, process_query_key, open_conversation_id, robot_code, sent_at) values ($1, $2, $3, $4, $5)`,
			s.name, m.Key, m.ChatID, m.RobotCode, m.SentAt)
		require.NoError(t, err)
	}
}

// late is how many calls that were due before may arrive in a minute: a second's
// worth, and what each process had under way when it was stopped, or the machine
// had no time for it.
func (s *soakTenant) late() int { return s.perMinute/60 + soakWorkers*s.inFlight }

// door stands before a vendor and counts by itself what arrives.
type door struct {
	vendor http.Handler

	mu             sync.Mutex
	calls          map[string][]time.Time
	inFlight, most map[string]int
}

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	path := r.URL.Path
	d.mu.Lock()
	d.calls[path] = append(d.calls[path], time.Now())
	d.inFlight[path]++
	d.most[path] = max(d.most[path], d.inFlight[path])
	d.mu.Unlock()
	defer func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.inFlight[path]--
	}()
	d.vendor.ServeHTTP(w, r)
}

// busiest is the largest number of calls of one endpoint within a span.
func (d *door) busiest(span time.Duration) (path string, most int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for p, calls := range d.calls {
		first := 0
		for i, at := range calls {
			for at.Sub(calls[first]) >= span {
				first++
			}
			if n := i - first + 1; n > most {
				path, most = p, n
			}
		}
	}
	return path, most
}

// limitsWereKept checks that no vendor refused a call for its limits, and that none
// saw more calls within a minute, or more at once, than its source is configured
// for.
func (s *soak) limitsWereKept() {
	s.t.Helper()
	for _, tenant := range s.tenants {
		assert.Empty(s.t, tenant.refused(), tenant.name)
		path, most := tenant.door.busiest(time.Minute)
		assert.LessOrEqual(s.t, most, tenant.perMinute+tenant.late(), "%s: calls of %s within a minute", tenant.name, path)
		calls := 0
		for _, list := range tenant.door.calls {
			calls += len(list)
		}
		s.t.Logf("%s: %d calls, at most %d of one endpoint within a minute (%d allowed), in flight at once %d (%d allowed)",
			tenant.name, calls, most, tenant.perMinute, slices.Max(slices.Collect(maps.Values(tenant.door.most))), tenant.inFlight)
	}
}

// tablesAreTrue compares each source with its vendor, in a copy of the database
// that holds this source alone.
func (s *soak) tablesAreTrue() {
	s.t.Helper()
	s.pool.Close()
	for _, tenant := range s.tenants {
		s.t.Run(tenant.name, func(t *testing.T) {
			admin, err := pgxpool.New(t.Context(), s.server.dsn("postgres"))
			require.NoError(t, err)
			defer admin.Close()
			name := pgx.Identifier{"only " + tenant.name}.Sanitize()
			// What a process that is gone had open there ends a moment later.
			eventually(t, "a copy of the database", func() error {
				_, err := admin.Exec(t.Context(), "create database "+name+" template soak")
				return err
			})
			pool, err := pgxpool.New(t.Context(), s.server.dsn("only "+tenant.name))
			require.NoError(t, err)
			defer pool.Close()
			only(t, pool, tenant.name)
			tenant.check(&site{t: t, pool: pool})
		})
	}
}

// only removes all rows of other sources.
func only(t *testing.T, pool *pgxpool.Pool, source string) {
	t.Helper()
	s := &site{t: t, pool: pool}
	_, err := pool.Exec(t.Context(), "drop schema evidence cascade")
	require.NoError(t, err)
	for _, table := range rowsOf[struct{ Name string }](s, `
		select format('%I.%I', table_schema, table_name) from information_schema.columns
		  join information_schema.tables using (table_schema, table_name)
		 where table_schema in ('groupchat', 'sync') and column_name = 'source' and table_type = 'BASE TABLE'`) {
		_, err := pool.Exec(context.WithoutCancel(t.Context()), "delete from "+table.Name+" where source <> $1", source)
		require.NoError(t, err)
	}
}
