package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
)

// What `make soak` and `make test` put into the environment: how long the soak is
// disturbed, without which it is skipped, and the seed of what is drawn.
const (
	soakFor  = "SYNCD_SOAK"
	soakSeed = "SYNCD_SOAK_SEED"
)

// Sizes of the soak.
const (
	soakWorkers = 3
	soakTenants = 12
	// soakLease is the lease_ttl; a worker is stopped for longer now and then.
	soakLease = 15 * time.Second
	// soakDrainMax bounds each of the last rounds: far beyond what they take. All
	// daemons are told to reload every soakReload, which wakes what waits.
	soakDrainMax = 10 * time.Minute
	soakReload   = 5 * time.Second
)

// Twelve tenants of three vendors, three daemons that are killed and stopped at
// random, a PostgreSQL that is restarted and crashes, vendors that go wrong and
// whose data change all the time: in the end each tenant's tables are its vendor's
// truth, no two slices of one stream have committed beside each other, and no
// vendor has seen more calls than its limits allow.
func TestSoak(t *testing.T) {
	s := newSoak(t)
	s.supervise()
	s.disturb()
	s.drain()
	s.stop()
	s.evidence.check(t, s.pool)
	s.limitsWereKept()
	s.tablesAreTrue()
}

// soak is the whole scene.
type soak struct {
	t        *testing.T
	length   time.Duration
	draw     *rand.Rand
	server   *keptServer
	pool     *pgxpool.Pool
	dsn      string
	tenants  []*soakTenant
	workers  []*soakWorker
	evidence evidence
	tally    map[string]int
}

// soakLength is how long to disturb; the test is skipped where nobody says.
func soakLength(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv(soakFor)
	if text == "" {
		t.Skipf("%s=2m runs it; so does make soak", soakFor)
	}
	length, err := time.ParseDuration(text)
	require.NoError(t, err, soakFor)
	return length
}

func newSoak(t *testing.T) *soak {
	t.Helper()
	length := soakLength(t)
	seed := uint64(time.Now().UnixNano())
	if text := os.Getenv(soakSeed); text != "" {
		var err error
		seed, err = strconv.ParseUint(text, 10, 64)
		require.NoError(t, err, soakSeed)
	}
	t.Logf("%s=%s %s=%d", soakFor, length, soakSeed, seed)
	s := &soak{t: t, length: length, draw: rand.New(rand.NewPCG(seed, seed)), tally: map[string]int{}}
	s.server = newKeptServer(t)
	admin, err := pgxpool.New(t.Context(), s.server.dsn(embedpg.Database))
	require.NoError(t, err)
	for _, sql := range []string{
		"alter system set track_commit_timestamp = on", "alter system set max_connections = 200", "create database soak",
	} {
		_, err := admin.Exec(t.Context(), sql)
		require.NoError(t, err, sql)
	}
	admin.Close()
	s.server.restart(false)
	s.dsn = s.server.dsn("soak")
	s.pool, err = pgxpool.New(t.Context(), s.dsn)
	require.NoError(t, err)
	t.Cleanup(s.pool.Close)
	for i := range soakTenants {
		s.tenants = append(s.tenants, newSoakTenant(t, i, s.draw.Uint64()))
	}
	for range soakWorkers {
		s.workers = append(s.workers, &soakWorker{site: s.newWorkerSite(), dataDir: t.TempDir()})
		s.configure(s.workers[len(s.workers)-1])
	}
	s.workers[0].ok("migrate", "up")
	for _, tenant := range s.tenants {
		tenant.track(t, s.pool)
	}
	s.evidence.install(t, s.pool)
	return s
}

func (s *soak) newWorkerSite() *site {
	return &site{t: s.t, dsn: s.dsn, pool: s.pool, env: map[string]string{"DSN": s.dsn, "SOAK_SECRET": testSecret}}
}

// configure writes the configuration of a worker: equal for all but for the
// data_dir.
func (s *soak) configure(w *soakWorker) {
	s.t.Helper()
	var text strings.Builder
	fmt.Fprintf(&text, "database_url: ${DSN}\ndata_dir: %s\nhttp: {listen: \"127.0.0.1:0\"}\nlease_ttl: %s\n"+
		"log: {level: info, format: json}\nworkers: 4\nsources:\n", w.dataDir, soakLease)
	for _, tenant := range s.tenants {
		text.WriteString(tenant.source)
	}
	w.config = w.dataDir + "/syncd.yaml"
	require.NoError(s.t, os.WriteFile(w.config, []byte(text.String()), 0o600))
}

// soakWorker is a place where a daemon runs, and the one that does.
type soakWorker struct {
	*site
	dataDir string
	process *child
	// works says that the process has begun to.
	works bool
	// stopped says that the process does not run, until wakeAt.
	stopped bool
	wakeAt  time.Time
}

func (w *soakWorker) begin() { w.process, w.works = w.start("run"), false }

// atWork waits until the daemon has ended a pass. One that meets no database, or a
// hangup, while it starts ends, and another one has to be started.
func (w *soakWorker) atWork() {
	w.t.Helper()
	if w.works {
		return
	}
	eventually(w.t, "a daemon to be at work", func() error {
		w.alive()
		if w.works = strings.Contains(w.process.stderr.String(), `"message":"pass"`); !w.works {
			return errNotYet
		}
		return nil
	})
}

func (w *soakWorker) signal(sig syscall.Signal) {
	w.t.Helper()
	require.NoError(w.t, w.process.cmd.Process.Signal(sig))
}

// alive fails the test where a daemon has ended by itself.
func (w *soakWorker) alive() {
	w.t.Helper()
	select {
	case <-w.process.done:
		require.Fail(w.t, "a daemon has ended by itself", w.process.stderr.String())
	default:
	}
}

// supervise starts all daemons.
func (s *soak) supervise() {
	s.t.Helper()
	for _, w := range s.workers {
		w.begin()
	}
}

// disturb lets things happen until the time is over.
func (s *soak) disturb() {
	s.t.Helper()
	began := time.Now()
	restarts := []struct {
		at    time.Duration
		crash bool
	}{{s.length * 3 / 10, false}, {s.length * 6 / 10, true}}
	for n := 0; len(restarts) > 0 || time.Since(began) < s.length; n++ {
		<-time.After(time.Duration(500+s.draw.IntN(3000)) * time.Millisecond)
		s.wakeSome()
		for _, w := range s.workers {
			w.alive()
		}
		if len(restarts) > 0 && time.Since(began) >= restarts[0].at {
			s.restart(restarts[0].crash)
			restarts = restarts[1:]
			continue
		}
		s.strike(n)
	}
}

// restart stops PostgreSQL, or lets it crash, and starts it again, with all daemons
// at work or stopped in their work.
func (s *soak) restart(crash bool) {
	s.t.Helper()
	for _, w := range s.workers {
		w.atWork()
	}
	s.server.restart(crash)
	s.tally[fmt.Sprintf("PostgreSQL restarted, crash %v", crash)]++
}

// strike does one thing to a worker or a tenant.
func (s *soak) strike(n int) {
	s.t.Helper()
	switch s.draw.IntN(6) {
	case 0:
		s.kill(s.workers[s.draw.IntN(len(s.workers))])
	case 1:
		s.pause(s.workers[s.draw.IntN(len(s.workers))])
	case 2:
		tenant := s.tenants[s.draw.IntN(len(s.tenants))]
		tenant.live(s.t, s.draw)
		s.tally["a tenant changed"]++
	default:
		tenant := s.tenants[n%len(s.tenants)]
		tenant.trouble(s.t, s.draw)
		s.tally["faults were armed"]++
	}
}

// kill ends a worker, which another one replaces.
func (s *soak) kill(w *soakWorker) {
	s.t.Helper()
	w.signal(syscall.SIGKILL)
	<-w.process.done
	w.stopped = false
	w.begin()
	s.tally["a worker was killed"]++
}

// pause stops a worker for a while, often past its leases, unless no other one
// would be at work.
func (s *soak) pause(w *soakWorker) {
	s.t.Helper()
	stopped := 0
	for _, other := range s.workers {
		if other.stopped {
			stopped++
		}
	}
	if w.stopped || stopped > 1 {
		return
	}
	w.atWork()
	w.signal(syscall.SIGSTOP)
	w.stopped, w.wakeAt = true, time.Now().Add(time.Duration(s.draw.Int64N(int64(2*soakLease))))
	s.tally["a worker was stopped"]++
}

// wakeSome wakes the workers whose time has come.
func (s *soak) wakeSome() {
	s.t.Helper()
	for _, w := range s.workers {
		if w.stopped && time.Now().After(w.wakeAt) {
			w.signal(syscall.SIGCONT)
			w.stopped = false
		}
	}
}

// drain lifts all faults and waits until all streams have been read three times:
// what vanished has to be missed and confirmed. An operator lets what waits after
// failures go on meanwhile, and is in a hurry.
func (s *soak) drain() {
	s.t.Helper()
	for _, tenant := range s.tenants {
		tenant.vendor.Disarm()
	}
	for _, w := range s.workers {
		if w.stopped {
			w.signal(syscall.SIGCONT)
			w.stopped = false
		}
	}
	for _, w := range s.workers {
		w.atWork()
	}
	var lifted time.Time
	for round := range 3 {
		since := s.now()
		if round == 0 {
			lifted = since
		}
		// Everything that has not been read well since the faults were lifted.
		s.exec(`update sync.item set due_at = '-infinity'
			where due_at > now() and (fetched_at is null or fetched_at < $1 or failures > 0)`, lifted)
		s.until(since)
		s.t.Logf("drain, round %d: %s", round, s.now().Sub(since).Round(time.Second))
	}
}

// now is the time of the database.
func (s *soak) now() (now time.Time) {
	s.t.Helper()
	eventually(s.t, "the time", func() error { return s.pool.QueryRow(s.t.Context(), "select now()").Scan(&now) })
	return now
}

// exec tries a statement until the server, which may still be starting, takes it.
func (s *soak) exec(sql string, args ...any) {
	s.t.Helper()
	eventually(s.t, sql, func() error {
		_, err := s.pool.Exec(s.t.Context(), sql, args...)
		return err
	})
}

// lacks is that a stream has no complete pass that began after an instant.
const lacks = ` enabled and not exists (
	       select from sync.pass p
	        where p.source = s.source and p.stream = s.stream and (s.mode = '' or p.mode = s.mode)
	          and p.started_at >= $1 and p.outcome = 'complete' and coalesce(p.verdict, 'complete') = 'complete'
	          and p.items_failed = 0)`

// unread names the streams that lack it; hastened has them run, unless somebody is
// at their schedule just now.
const (
	unread = `
	select coalesce(string_agg(format('%s/%s%s (%s: %s)', s.source, s.stream, s.mode, s.outcome, s.error), ', '), '')
	  from sync.schedule s where` + lacks
	hastened = `
	with wanted as (
	    select source, stream, mode from sync.schedule s where next_run_at > now() and` + lacks + ` for update skip locked)
	update sync.schedule s set next_run_at = now()
	  from wanted w
	 where (s.source, s.stream, s.mode) = (w.source, w.stream, w.mode)`
)

// until waits until every stream has been read completely since then.
func (s *soak) until(since time.Time) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), soakDrainMax)
	defer cancel()
	tick, reload := time.NewTicker(200*time.Millisecond), time.NewTicker(soakReload)
	defer tick.Stop()
	defer reload.Stop()
	s.exec(hastened, since)
	left := "everything"
	for {
		select {
		case <-ctx.Done():
			for _, w := range s.workers {
				s.t.Log(lastLines(w.process.stderr.String(), 20))
			}
			require.Fail(s.t, "streams are not read", left)
		case <-reload.C:
			for _, w := range s.workers {
				w.signal(syscall.SIGHUP)
			}
			s.exec(hastened, since)
		case <-tick.C:
		}
		for _, w := range s.workers {
			w.alive()
		}
		if err := s.pool.QueryRow(ctx, unread, since).Scan(&left); err == nil && left == "" {
			return
		}
	}
}

func lastLines(text string, n int) string {
	lines := strings.Split(text, "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// stop ends the daemons, as an operator would, and looks that nothing secret was
// logged.
func (s *soak) stop() {
	s.t.Helper()
	for _, w := range s.workers {
		w.signal(syscall.SIGTERM)
	}
	for _, w := range s.workers {
		r := w.process.wait()
		require.Equal(s.t, exitOK, r.code, lastLines(r.stderr, 20))
		for _, secret := range []string{testSecret, "s3cr3t", "access_token="} {
			require.NotContains(s.t, r.stdout+r.stderr, secret)
		}
	}
	s.t.Logf("%v", s.tally)
}
