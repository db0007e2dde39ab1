package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
	"syncd/internal/vendorsim"
)

func pidText() string { return strconv.Itoa(os.Getpid()) }

// privateSite is a site without database_url: syncd runs its own PostgreSQL. It
// has no pool before open.
type privateSite struct {
	*site
	dataDir string
}

func newPrivateSite(tb testing.TB, o vendorsim.Options) *privateSite {
	tb.Helper()
	s := &privateSite{site: newSite(tb, o), dataDir: dataDir(tb)}
	s.pool.Close()
	s.configure("")
	return s
}

// configure writes the configuration; extra are more lines at its top. A lease
// of a dead process would be waited for until the test times out.
func (s *privateSite) configure(extra string) {
	s.t.Helper()
	s.env["DSN"] = "" // as good as no database_url
	s.site.configure(s.vendor.URL, "")
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	top := fmt.Sprintf("data_dir: %s\nlease_ttl: 1h\n%s\n", s.dataDir, extra)
	changed := strings.Replace(string(text), "lease_ttl: 1m\n", top, 1)
	require.NotEqual(s.t, string(text), changed)
	require.NoError(s.t, os.WriteFile(s.config, []byte(changed), 0o600))
}

// open starts the private server as a test does that looks into it.
func (s *privateSite) open() {
	s.t.Helper()
	server, err := embedpg.Open(s.t.Context(), clusterDir(s.dataDir), embedpg.Options{})
	require.NoError(s.t, err)
	s.pool, err = pgxpool.New(s.t.Context(), server.DSN(embedpg.Database))
	require.NoError(s.t, err)
	s.t.Cleanup(func() {
		s.pool.Close()
		_ = server.Stop(context.Background())
	})
}

// Without database_url a sync makes a PostgreSQL under data_dir, says how to look
// into it, leaves nothing running and finds everything again.
func TestPrivateDatabase(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 30})
	r := s.ok("sync")
	require.Equal(t, 1, strings.Count(r.stderr, "PGPASSFILE="+clusterDir(s.dataDir)+".pgpass psql -h 127.0.0.1"), r)
	requireStopped(t, s.dataDir)
	pass, err := os.ReadFile(clusterDir(s.dataDir) + ".pgpass")
	require.NoError(t, err)
	password := strings.Split(strings.TrimSpace(string(pass)), ":")[4]
	require.NotContains(t, r.stderr+r.stdout, password)
	info, err := os.Stat(clusterDir(s.dataDir) + ".pgpass")
	require.NoError(t, err)
	require.Equal(t, os.FileMode(0o600), info.Mode().Perm())

	// Nobody runs it now: those who look start it for the moment.
	got, code := s.status(0)
	require.Equal(t, exitOK, code)
	require.Len(t, got.Streams, 3)
	require.Regexp(t, `00001_core.sql +applied`, s.ok("migrate", "status").stdout)
	requireStopped(t, s.dataDir)

	r = s.ok("sync")
	require.Contains(t, r.stdout, "acme/chats: complete: pass 5")
	require.Equal(t, 3, strings.Count(r.stdout, " 0 changed"), r)
	s.open()
	s.sameAsTruth()
}

// While one process works, a second one is refused, and those who only look are
// let in.
func TestPrivateDatabaseInUse(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 30})
	inside, answer := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	defer release()
	s.atCall(vendorsim.EndpointChatGet, 10, func(context.Context) {
		close(inside)
		<-answer
	})
	s.env[waitsLong] = "1"
	worker := s.start("sync")
	<-inside
	for _, args := range []string{"sync", "migrate up", "migrate down --yes"} {
		r := s.run(strings.Fields(args)...)
		require.Equal(t, exitFailed, r.code, r)
		require.Contains(t, r.stderr, fmt.Sprintf("data_dir %s is in use: process %d runs its private PostgreSQL",
			s.dataDir, worker.cmd.Process.Pid), args)
		require.Contains(t, r.stderr, "wait for its end or stop it")
		require.Contains(t, r.stderr, "set database_url")
	}
	r := s.run("status", "--json")
	require.Equal(t, exitLate, r.code, r)
	require.Contains(t, r.stdout, `"running_by": "`)
	require.Regexp(t, `00001_core.sql +applied`, s.ok("migrate", "status").stdout)
	release()
	require.Equal(t, exitOK, worker.wait().code)
	requireStopped(t, s.dataDir)
}

// A daemon has its private server for itself as long as it runs: who would work is
// refused, who looks is let in, and the server ends with it.
func TestPrivateDatabaseOfADaemon(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 10})
	s.configure(`http: {listen: "127.0.0.1:0"}`)
	daemon := s.start("run")
	saw(t, &daemon.stderr, "syncd is running")
	for _, args := range []string{"run", "sync"} {
		r := s.run(args)
		require.Equal(t, exitFailed, r.code, r)
		require.Contains(t, r.stderr, fmt.Sprintf("data_dir %s is in use: process %d runs its private PostgreSQL",
			s.dataDir, daemon.cmd.Process.Pid), args)
	}
	s.configure(fmt.Sprintf("http: {listen: %q}", address(t, &daemon.stderr)))
	r := s.run("run")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stderr, " is in use: ")
	require.Contains(t, r.stderr, fmt.Sprintf("; process %d is a syncd run with this data_dir", daemon.cmd.Process.Pid))
	for args, codes := range map[string][]int{
		"status": {exitOK, exitLate}, "plan": {exitOK}, "verify": {exitOK, exitLate}, "doctor": {exitOK, exitLate}, "approve 9": {exitUsage},
	} {
		r := s.run(strings.Fields(args)...)
		require.Contains(t, codes, r.code, "%s: %s", args, r)
		require.NotContains(t, r.stderr, "in use", args)
	}
	require.NoError(t, daemon.cmd.Process.Signal(syscall.SIGTERM))
	r = daemon.wait()
	require.Equal(t, exitOK, r.code, r)
	requireStopped(t, s.dataDir)
}

// Who comes while a server is only looked at, or while it is being started, waits
// the moment; none of them is refused.
func TestPrivateDatabaseManyAtOnce(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 10})
	s.ok("sync")
	var all []*running
	for range 3 {
		all = append(all, s.begin("status"), s.begin("migrate", "status"))
	}
	all = append(all, s.begin("sync"))
	for _, run := range all {
		r := run.wait()
		require.Equal(t, exitOK, r.code, r)
	}
	requireStopped(t, s.dataDir)
}

// Between two prints a watching status keeps nobody from the server.
func TestStatusWatchLetsOthersWork(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 10})
	s.ok("sync")
	watch := s.begin("status", "--watch")
	saw(t, watch.stdout, "STREAM")
	s.ok("sync")
	watch.signals <- os.Interrupt
	r := watch.wait()
	require.Equal(t, exitOK, r.code, r)
	requireStopped(t, s.dataDir)
}

// Killed in the middle of a sync, again and again: no server is left behind, the
// next one recovers it and goes on at once, and in the end the tables are those
// of a calm run.
func TestPrivateDatabaseSurvivesSIGKILL(t *testing.T) {
	t.Parallel()
	tenant := vendorsim.Options{Seed: 5, Chats: 400, MeanMembers: 8, MaxMembers: 60}
	calm := newSite(t, tenant)
	calm.ok("sync")

	s := newPrivateSite(t, tenant)
	kept := 0
	for _, at := range []int64{3, 60, 90} {
		var n atomic.Int64
		due := make(chan struct{})
		s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, _ vendorsim.Request) vendorsim.Verdict {
			switch now := n.Add(1); {
			case now == at:
				close(due)
				fallthrough
			case now > at:
				<-ctx.Done()
			}
			return vendorsim.Verdict{}
		}})
		c := s.start("sync")
		<-due
		saw(t, &c.stderr, "private PostgreSQL is running")
		server := serverPID(t, c.stderr.String())
		if at == 90 { // the others die with whatever they have got to by then
			eventually(t, "a detail is committed", func() error {
				if kept = s.detailsKept(); kept == 0 {
					return errNotYet
				}
				return nil
			})
		}
		require.NoError(t, c.cmd.Process.Signal(syscall.SIGKILL))
		<-c.done
		eventually(t, "the server of the killed process ends", func() error {
			if syscall.Kill(server, 0) == nil {
				return errNotYet
			}
			return nil
		})
		requireStopped(t, s.dataDir)
	}
	s.undisturbed()
	s.sim.ResetCalls()
	r := s.start("sync").wait()
	require.Equal(t, exitOK, r.code, r)
	require.NotContains(t, r.stderr, "waiting for it")
	require.LessOrEqual(t, s.sim.Calls()[vendorsim.EndpointChatGet].Calls, 400-kept, "what was committed before the kill is not fetched again")
	s.open()
	s.sameAsTruth()
	require.Equal(t, calm.checksums(), s.checksums())
}

// detailsKept counts the details that are committed in the server that a process runs.
func (s *privateSite) detailsKept() (n int) {
	s.t.Helper()
	guest, err := embedpg.Join(s.t.Context(), clusterDir(s.dataDir))
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, guest.Leave()) }()
	conn, err := pgx.Connect(s.t.Context(), guest.DSN(embedpg.Database))
	require.NoError(s.t, err)
	defer func() { require.NoError(s.t, conn.Close(s.t.Context())) }()
	require.NoError(s.t, conn.QueryRow(s.t.Context(), "select count(*) from sync.item where fetched_at is not null").Scan(&n))
	return n
}

// serverPID reads the announcement of a private server.
func serverPID(tb testing.TB, stderr string) int {
	tb.Helper()
	found := regexp.MustCompile(`"pid":(\d+),.*private PostgreSQL is running`).FindStringSubmatch(stderr)
	require.NotNil(tb, found, stderr)
	pid, err := strconv.Atoi(found[1])
	require.NoError(tb, err)
	return pid
}

// What cannot work is said with the ways out, and nothing is touched.
func TestPrivateDatabaseRefuses(t *testing.T) {
	t.Parallel()
	t.Run("no binaries", func(t *testing.T) {
		t.Parallel()
		s := newPrivateSite(t, vendorsim.Options{Chats: 3})
		s.configure("embedded: {bin_dir: " + t.TempDir() + "}")
		for _, args := range []string{"sync", "status", "migrate status"} {
			r := s.run(strings.Fields(args)...)
			require.Equal(t, exitFailed, r.code, r)
			for _, way := range []string{"private PostgreSQL (database_url is empty)", "apt-get install postgresql", "embedded.bin_dir", "database_url to a server"} {
				require.Contains(t, r.stderr, way, args)
			}
		}
	})
	t.Run("another major version", func(t *testing.T) {
		t.Parallel()
		s := newPrivateSite(t, vendorsim.Options{Chats: 3})
		s.ok("sync", "acme/owners")
		dir := clusterDir(s.dataDir)
		before, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(filepath.Join(dir, "PG_VERSION"), []byte("9\n"), 0o600))
		for _, args := range []string{"sync", "status"} {
			r := s.run(args)
			require.Equal(t, exitFailed, r.code, r)
			require.Contains(t, r.stderr, "only PostgreSQL 9 will do: the data directory was made by it")
		}
		after, err := os.ReadDir(dir)
		require.NoError(t, err)
		require.Len(t, after, len(before))
	})
	t.Run("not a cluster", func(t *testing.T) {
		t.Parallel()
		s := newPrivateSite(t, vendorsim.Options{Chats: 3})
		dir := clusterDir(s.dataDir)
		require.NoError(t, os.MkdirAll(dir, 0o700))
		require.NoError(t, os.WriteFile(filepath.Join(dir, "diary.txt"), []byte("dear"), 0o600))
		r := s.run("sync")
		require.Equal(t, exitFailed, r.code, r)
		require.Contains(t, r.stderr, "is neither empty nor a PostgreSQL data directory: it is left alone")
		require.FileExists(t, filepath.Join(dir, "diary.txt"))
	})
}

func TestInterruptWhileThePrivateDatabaseIsInUse(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 3})
	// By one who holds it for a moment, which is waited for: anybody else is no
	// reason to wait.
	server, err := embedpg.Open(t.Context(), clusterDir(s.dataDir), embedpg.Options{Brief: true})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, server.Stop(context.Background())) })
	run := s.begin("sync")
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.NotContains(t, r.stderr, "in use")
}

func TestProcessNamesWhoIsKnown(t *testing.T) {
	t.Parallel()
	require.Equal(t, "process 7", process(&embedpg.InUseError{PID: 7}))
	require.Equal(t, "another process", process(&embedpg.InUseError{}))
}
