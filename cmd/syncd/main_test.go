package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/store/storetest"
	"syncd/internal/vendorsim"
)

// runMain in the environment makes the test binary behave as syncd: a process
// that can be killed and stopped.
const runMain = "SYNCD_TEST_RUN_MAIN"

// waitsLong in the environment of such a process makes it wait for answers that a
// test holds back, however long that takes.
const waitsLong = "SYNCD_TEST_WAITS_LONG"

func TestMain(m *testing.M) {
	if os.Getenv(runMain) != "" {
		h := thisHost(childClock)
		if os.Getenv(waitsLong) != "" {
			h.requests = fetch.Options{HeaderTimeout: farAway, AttemptTimeout: farAway}
		}
		os.Exit(run(context.Background(), os.Args[1:], h))
	}
	if os.Getenv(runMeasured) != "" {
		os.Exit(measured())
	}
	if err := moreAtOnce(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(storetest.Main(m))
}

// moreAtOnce lets twice as many tests run at once as there are processors, unless
// -parallel says how many: they wait for processes, leases and servers about half
// of their time. Each takes some seven connections of the one server, which has 200.
func moreAtOnce() error {
	flag.Parse()
	given := false
	flag.Visit(func(f *flag.Flag) { given = given || f.Name == "test.parallel" })
	if given {
		return nil
	}
	const most = 16
	return flag.Set("test.parallel", strconv.Itoa(min(2*runtime.GOMAXPROCS(0), most)))
}

// testSecret is what must never be printed.
const testSecret = "s3cr3t/of+the app"

// site is a simulated tenant, an empty migrated database and a configuration that
// names both.
type site struct {
	t      testing.TB
	sim    *vendorsim.Sim
	vendor *httptest.Server
	dsn    string
	pool   *pgxpool.Pool
	config string
	env    map[string]string
	// stats switches the streams of statistics on, at the next configure.
	stats bool
	// masses switches the streams of mass messages and join ways on, likewise.
	masses bool
	// callers counts the connections to the vendor.
	callers atomic.Int64
}

func newSite(tb testing.TB, o vendorsim.Options) *site {
	tb.Helper()
	s := &site{t: tb, dsn: storetest.DSN(tb)}
	s.connect(o)
	return s
}

func (s *site) connect(o vendorsim.Options) {
	s.t.Helper()
	o.Secret = testSecret
	o.Limits = vendorsim.Limits{PerMinute: -1, PerHour: -1}
	var err error
	s.sim, err = vendorsim.New(o)
	require.NoError(s.t, err)
	s.serve(s.sim)
	s.pool, err = pgxpool.New(s.t.Context(), s.dsn)
	require.NoError(s.t, err)
	s.t.Cleanup(s.pool.Close)
	s.config = filepath.Join(s.t.TempDir(), "syncd.yaml")
	s.env = map[string]string{"DSN": s.dsn, "WECOM_SECRET": testSecret}
	s.configure(s.vendor.URL, "")
}

// serve has the vendor answer.
func (s *site) serve(vendor http.Handler) {
	s.vendor = httptest.NewUnstartedServer(vendor)
	s.vendor.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		switch state {
		case http.StateNew:
			s.callers.Add(1)
		case http.StateClosed, http.StateHijacked:
			s.callers.Add(-1)
		}
	}
	s.vendor.Start()
	s.t.Cleanup(s.vendor.Close)
}

// configure writes the configuration; extra are more lines of the source.
func (s *site) configure(baseURL, extra string) {
	s.t.Helper()
	text := fmt.Sprintf(`
database_url: ${DSN}
lease_ttl: 1m
log: {level: trace, format: json}
sources:
  - name: acme
    vendor: wecom
    base_url: %[1]s
    credentials: {corp_id: %[2]s, secret: "${WECOM_SECRET}"}
    limits: {per_minute: 0, per_hour: 0, concurrency: 4}
    streams:
      chats: {page_size: 100}
      owner_stats: {enabled: %[3]t}
      daily_stats: {enabled: %[3]t}
      owner_period_stats: {enabled: %[3]t}
      group_messages: {enabled: %[4]t}
      group_message_tasks: {enabled: %[4]t}
      group_message_results: {enabled: %[4]t}
      join_ways: {enabled: %[4]t}
%[5]s`, baseURL, vendorsim.DefaultCorpID, s.stats, s.masses, extra)
	require.NoError(s.t, os.WriteFile(s.config, []byte(text), 0o600))
}

// shortLease has the lease of a process that is dead or stopped end soon. Nowhere
// else: on a machine that is busy one that lives would lose it, too.
func (s *site) shortLease() {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	short := strings.Replace(string(text), "lease_ttl: 1m\n", "lease_ttl: 1s\n", 1)
	require.NotEqual(s.t, string(text), short)
	require.NoError(s.t, os.WriteFile(s.config, []byte(short), 0o600))
}

// result is what a command line did.
type result struct {
	code           int
	stdout, stderr string
}

func (r result) String() string {
	return fmt.Sprintf("exit %d\n%s\n%s", r.code, r.stdout, r.stderr)
}

// buffer is a writer that may be read while it is written to.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// run executes a command line in this process.
func (s *site) run(args ...string) result { return s.runOn(nil, args...) }

// runOn is run on a host that change, which may be nil, has made special.
func (s *site) runOn(change func(*host), args ...string) result {
	s.t.Helper()
	return command(s.t, func(h *host) {
		h.getenv = s.getenv
		if change != nil {
			change(h)
		}
	}, append(args, "--config", s.config)...)
}

func (s *site) getenv(name string) (string, bool) {
	v, ok := s.env[name]
	return v, ok
}

// command executes a command line in this process, on a host without terminal,
// environment and signals unless change gives it some. Writers that change sets
// take what the result would hold.
func command(tb testing.TB, change func(*host), args ...string) result {
	tb.Helper()
	var stdout, stderr buffer
	h := &host{
		stdout: &stdout, stderr: &stderr, now: time.Now,
		getenv: func(string) (string, bool) { return "", false },
	}
	change(h)
	code := run(tb.Context(), args, h)
	return result{code, stdout.String(), stderr.String()}
}

// running is a command line that is being executed in this process.
type running struct {
	t              testing.TB
	signals        chan os.Signal
	stdout, stderr *buffer
	done           chan result
}

// begin starts a command line in this process.
func (s *site) begin(args ...string) *running {
	s.t.Helper()
	return begin(s.t, func(h *host) { h.getenv = s.getenv }, append(args, "--config", s.config)...)
}

func begin(tb testing.TB, change func(*host), args ...string) *running {
	tb.Helper()
	r := &running{
		t: tb, signals: make(chan os.Signal, 2), stdout: &buffer{}, stderr: &buffer{}, done: make(chan result, 1),
	}
	go func() {
		got := command(tb, func(h *host) {
			change(h)
			h.signals, h.stdout, h.stderr = r.signals, r.stdout, r.stderr
		}, args...)
		r.done <- result{got.code, r.stdout.String(), r.stderr.String()}
	}()
	return r
}

func (r *running) wait() result {
	r.t.Helper()
	select {
	case got := <-r.done:
		return got
	case <-time.After(farAway):
		require.Fail(r.t, "the command does not end", "%s\n%s", r.stdout, r.stderr)
		return result{}
	}
}

// saw waits until text has been printed to out.
func saw(tb testing.TB, out *buffer, text string) {
	tb.Helper()
	eventually(tb, "to see "+text, func() error {
		if !strings.Contains(out.String(), text) {
			return errNotYet
		}
		return nil
	})
}

// ok is run for a command that must succeed.
func (s *site) ok(args ...string) result {
	s.t.Helper()
	r := s.run(args...)
	require.Equal(s.t, exitOK, r.code, r)
	return r
}

// child is a syncd process.
type child struct {
	t              testing.TB
	cmd            *exec.Cmd
	stdout, stderr buffer
	done           chan struct{}
}

// start runs a command line in a process of its own.
func (s *site) start(args ...string) *child {
	s.t.Helper()
	exe, err := os.Executable()
	require.NoError(s.t, err)
	c := &child{t: s.t, done: make(chan struct{})}
	c.cmd = exec.CommandContext(context.Background(), exe, append(args, "--config", s.config)...)
	c.cmd.Env = append(os.Environ(), runMain+"=1", promptEnd())
	for k, v := range s.env {
		c.cmd.Env = append(c.cmd.Env, k+"="+v)
	}
	c.cmd.Stdout, c.cmd.Stderr = &c.stdout, &c.stderr
	require.NoError(s.t, c.cmd.Start())
	go func() {
		defer close(c.done)
		_ = c.cmd.Wait() // the exit code is read from the process state
	}()
	s.t.Cleanup(func() {
		_ = c.cmd.Process.Kill()
		<-c.done
	})
	return c
}

// promptEnd has a process end when it is done. One with the race detector would
// sleep for a second then, in case that a thread it leaves behind has a race.
func promptEnd() string {
	return strings.TrimSpace("GORACE=" + os.Getenv("GORACE") + " atexit_sleep_ms=0")
}

// wait returns what the process did.
func (c *child) wait() result {
	c.t.Helper()
	select {
	case <-c.done:
	case <-time.After(farAway):
		require.Fail(c.t, "the process does not end", c.stderr.String())
	}
	return result{c.cmd.ProcessState.ExitCode(), c.stdout.String(), c.stderr.String()}
}

// localColumns are those that say when this machine read something.
var localColumns = []string{
	"first_seen_at", "listed_at", "detail_at", "known_from", "known_until", "left_after", "left_before",
	"fetched_at", "results_at", "closed_at", "gone_at", "added_at",
}

// checksums returns, for each table of facts, the number of rows and a sum over
// all columns but local timestamps, of which only the presence counts.
func (s *site) checksums() map[string]string {
	s.t.Helper()
	sums := map[string]string{}
	for _, table := range rowsOf[struct{ Name string }](s, "select tablename from pg_tables where schemaname = 'groupchat'") {
		var sum string
		err := s.pool.QueryRow(s.t.Context(), `
			with r as (
			    select (to_jsonb(t) - $1::text[])::text
			           || coalesce((select string_agg(k, ',' order by k) from jsonb_each(to_jsonb(t)) as e (k, v)
			                         where k = any ($1) and v <> 'null'), '') as line
			      from groupchat.`+pgx.Identifier{table.Name}.Sanitize()+` t)
			select count(*) || ' rows ' || coalesce(md5(string_agg(line, E'\n' order by line)), '') from r`,
			localColumns).Scan(&sum)
		require.NoError(s.t, err)
		sums[table.Name] = sum
	}
	return sums
}

func scalar[T any](s *site, sql string, args ...any) T {
	s.t.Helper()
	var v T
	require.NoError(s.t, s.pool.QueryRow(s.t.Context(), sql, args...).Scan(&v), sql)
	return v
}

// same checks the tables against the simulator's truth.
func (s *site) sameAsTruth() {
	s.t.Helper()
	want := s.sim.Totals(s.sim.Now())
	require.Equal(s.t, want.Chats, scalar[int](s, "select count(*) from groupchat.chat where gone_at is null"))
	require.Equal(s.t, want.Memberships, scalar[int](s, "select count(*) from groupchat.chat_member where left_before is null"))
}

var errNotYet = errors.New("not yet")

// farAway is beyond what anything here takes on a machine that has other things to
// do as well.
const farAway = 5 * time.Minute

// eventually polls until check is nil.
func eventually(tb testing.TB, what string, check func() error) {
	tb.Helper()
	deadline := time.After(farAway)
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	for {
		err := check()
		if err == nil {
			return
		}
		select {
		case <-deadline:
			require.Fail(tb, what, err.Error())
		case <-tick.C:
		}
	}
}
