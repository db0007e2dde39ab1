package main

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
)

// dataDir is a directory that the user who runs PostgreSQL can get to.
func dataDir(tb testing.TB) string {
	tb.Helper()
	dir := tb.TempDir()
	require.NoError(tb, os.Chmod(dir, 0o755))               //nolint:gosec // the server runs as another user
	require.NoError(tb, os.Chmod(filepath.Dir(dir), 0o755)) //nolint:gosec // the same
	return dir
}

// requireStopped fails when a private server still runs under a data directory.
func requireStopped(tb testing.TB, dir string) {
	tb.Helper()
	_, err := embedpg.Join(tb.Context(), clusterDir(dir))
	require.ErrorIs(tb, err, embedpg.ErrNotRunning)
	require.NoFileExists(tb, filepath.Join(clusterDir(dir), "postmaster.pid"))
}

// overLoopback connects as the printed psql line would.
func overLoopback(tb testing.TB, line string) *pgx.Conn {
	tb.Helper()
	found := regexp.MustCompile(`PGPASSFILE=(\S+) psql -h (\S+) -p (\d+) -U (\S+) (\S+)`).FindStringSubmatch(line)
	require.NotNil(tb, found, line)
	u := url.URL{
		Scheme: "postgres", User: url.User(found[4]), Host: net.JoinHostPort(found[2], found[3]), Path: found[5],
		RawQuery: url.Values{"sslmode": {"disable"}, "passfile": {found[1]}}.Encode(),
	}
	conn, err := pgx.Connect(tb.Context(), u.String())
	require.NoError(tb, err)
	tb.Cleanup(func() { _ = conn.Close(tb.Context()) })
	return conn
}

// demoClock is a clock of the demonstration that runs from a moment of a day on
// which, for a good while, nothing changes with the time: no day begins, no figures
// become ready, and no message becomes too old to be followed.
func demoClock() func(*host) {
	noon := time.Date(2026, time.November, 20, 4, 0, 0, 0, time.UTC)
	began := time.Now()
	return func(h *host) { h.now = func() time.Time { return noon.Add(time.Since(began)) } }
}

func TestDemo(t *testing.T) {
	t.Parallel()
	dir, clock := dataDir(t), demoClock()
	r := command(t, clock, "demo", "--once", "--data-dir", dir)
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stdout, "wecom/members: complete: pass 3, 500 pages")
	require.Regexp(t, `\nwecom +500 `, r.stdout)
	for _, q := range demoQueries {
		_, result, ok := strings.Cut(r.stdout, q.sql+"\n\n")
		require.True(t, ok, q.title)
		result, _, _ = strings.Cut(result, "\n\n")
		require.Greater(t, strings.Count(result, "\n"), 2, "%s has rows: %s", q.title, result)
	}
	require.Contains(t, r.stdout, "PGPASSFILE="+filepath.Join(dir, "demo", "postgres.pgpass")+" psql -h 127.0.0.1")
	require.NotContains(t, r.stdout, "\x1b")
	requireStopped(t, filepath.Join(dir, "demo"))

	// The second one finds the data of the first.
	again := command(t, clock, "demo", "--once", "--data-dir", dir)
	require.Equal(t, exitOK, again.code, again)
	passes := strings.Count(r.stdout, ": complete: pass ")
	require.GreaterOrEqual(t, passes, 3, r)
	require.Equal(t, passes, strings.Count(again.stdout, " rows read, 0 changed"), again)
	require.Contains(t, again.stdout, fmt.Sprintf("wecom/chats: complete: pass %d, ", passes+2))
	results := func(r result) string { return r.stdout[strings.Index(r.stdout, "4. what landed"):] }
	require.Equal(t, results(r), results(again))

	// Another tenant is another world.
	other := command(t, clock, "demo", "--once", "--data-dir", dir, "--chats", "20", "--seed", "9")
	require.Equal(t, exitOK, other.code, other)
	require.Regexp(t, `\nwecom +20 `, other.stdout)
	require.DirExists(t, filepath.Join(dir, "demo-9-20"))
}

// Without --once the demonstration stays until it is interrupted. Meanwhile one
// can look around, and a second one is refused.
func TestDemoUntilInterrupted(t *testing.T) {
	t.Parallel()
	dir := dataDir(t)
	run := begin(t, demoClock(), "demo", "--chats", "20", "--data-dir", dir)
	saw(t, run.stdout, "Ctrl-C ends the demonstration")
	conn := overLoopback(t, run.stdout.String())
	var chats int
	require.NoError(t, conn.QueryRow(t.Context(), "select count(*) from bi.chats where source = 'wecom'").Scan(&chats))
	require.Equal(t, 20, chats)
	saw(t, run.stdout, "6. the status page")
	page := browseDemo(t, run.stdout.String())
	addrs := regexp.MustCompile(`: http://(\S+)\n`).FindAllStringSubmatch(run.stdout.String(), -1)
	require.Len(t, addrs, 3)
	var vendors []net.Conn
	for _, addr := range addrs {
		vendors = append(vendors, heldOpen(t, addr[1], "/_sim/clock"))
	}

	second := command(t, func(*host) {}, "demo", "--once", "--chats", "20", "--data-dir", dir)
	require.Equal(t, exitFailed, second.code, second)
	require.Contains(t, second.stderr, "demo-1-20 is in use: a demonstration runs as process "+pidText()+
		"; end it with Ctrl-C there, or take another --data-dir")

	run.signals <- syscall.SIGINT
	r := run.wait()
	require.Equal(t, exitOK, r.code, r)
	require.NotContains(t, r.stderr, "pages in hand", "there are none")
	require.Contains(t, r.stdout, "wecom/members: complete")
	requireClosed(t, page)
	for _, vendor := range vendors {
		requireClosed(t, vendor)
	}
	requireStopped(t, filepath.Join(dir, "demo-1-20"))
}

// browseDemo reads what a demonstration tells of itself, and returns a connection
// that its server keeps open.
func browseDemo(t *testing.T, told string) net.Conn {
	t.Helper()
	found := regexp.MustCompile(`\n {3}http://(127\.0\.0\.1:\d+)/\n`).FindStringSubmatch(told)
	require.NotNil(t, found, told)
	addr := found[1]
	var page, ready string
	eventually(t, "the page and its checks", func() error { // on a busy machine the database takes its time
		_, page = browse(t, addr, "/", "")
		code, body := browse(t, addr, "/readyz", "")
		if ready = body; code != http.StatusOK || !strings.Contains(page, "wecom/members") {
			return fmt.Errorf("%d %s %s", code, body, page)
		}
		return nil
	})
	require.NotContains(t, page, `class="bad"`)
	require.NotRegexp(t, `<td>(due|in )`, page, "nothing runs by schedule")
	require.NotContains(t, ready, "engine")
	_, figures := browse(t, addr, "/metrics", "")
	for _, want := range []string{
		"syncd_facts_up 1", `syncd_calls_total{class="ok",endpoint="groupchat/get",source="wecom"} 20`,
		`syncd_items{source="wecom",state="all",stream="members"} 20`,
	} {
		require.Contains(t, figures, "\n"+want+"\n")
	}

	return heldOpen(t, addr, "/healthz")
}

func TestDemoWithoutBinaries(t *testing.T) {
	t.Parallel()
	r := command(t, func(*host) {}, "demo", "--once", "--data-dir", dataDir(t), "--bin-dir", t.TempDir())
	require.Equal(t, exitFailed, r.code, r)
	for _, way := range []string{"apt-get install postgresql", "--bin-dir", "make demo"} {
		require.Contains(t, r.stderr, way)
	}
}
