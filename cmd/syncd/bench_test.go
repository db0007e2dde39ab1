package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
	"syncd/internal/vendorsim"
)

// Sizes of the tenants that are measured; `make bench` takes the defaults.
var (
	benchListChats   = flag.Int("list-chats", 200_000, "benchmark: chats of the list")
	benchDetailChats = flag.Int("detail-chats", 5_000, "benchmark: chats whose details are read")
	benchMembers     = flag.Int("members", 100, "benchmark: mean members of a chat")
	benchLarger      = flag.Int("larger", 10, "benchmark: how many times as large the large tenants are")
)

// workload is what is measured: one stream of one tenant.
type workload struct {
	name, stream string
	// needs are the streams that are synced before, unmeasured.
	needs []string
	// table is where the rows land, and counts those of the tenant that are
	// there now.
	table, counts string
	tenant        vendorsim.Options
	latency       time.Duration
	inFlight      int
	// plain leaves out the limits, and with them the copies of all answers and
	// rows that they take.
	plain bool
}

func (w workload) listing() bool { return w.stream == "chats" }

// workloads are those of the issue: a list, and details without and with latency.
func workloads() []workload {
	list := workload{
		name: fmt.Sprintf("list/chats=%d", *benchListChats), stream: "chats", needs: []string{"owners"},
		table: "groupchat.chat", counts: "select count(*) from groupchat.chat where gone_at is null",
		tenant: vendorsim.Options{Chats: *benchListChats}, inFlight: 4,
	}
	detail := workload{
		name: fmt.Sprintf("detail/chats=%d", *benchDetailChats), stream: "members", needs: []string{"owners", "chats"},
		table: "groupchat.chat_member", counts: "select count(*) from groupchat.chat_member where left_before is null",
		tenant: vendorsim.Options{Chats: *benchDetailChats, MeanMembers: *benchMembers}, inFlight: 4,
	}
	distant := detail
	distant.name += "/latency=20ms"
	distant.latency, distant.inFlight = 20*time.Millisecond, 16
	return []workload{list, detail, distant}
}

// BenchmarkSync measures whole passes of the program as it is built, against a
// simulated vendor that answers from memory and a private PostgreSQL with default
// settings. One iteration is one round: the limits of this machine, a first run
// into a database that does not have the rows, and a run that finds everything
// unchanged. With -benchtime 5x the figures are medians of five rounds.
//
// The figures go out as metrics, and at the end as the tables of
// docs/benchmarks.md.
func BenchmarkSync(b *testing.B) { benchmark(b, workloads()) }

// BenchmarkSyncLarge is [BenchmarkSync] for tenants ten times as large: does the
// memory stay flat? The limits are left out.
func BenchmarkSyncLarge(b *testing.B) {
	var large []workload
	for _, w := range workloads() {
		if w.latency > 0 {
			continue
		}
		w.tenant.Chats *= *benchLarger
		w.name = fmt.Sprintf("%s/chats=%d", w.stream, w.tenant.Chats)
		w.plain = true
		large = append(large, w)
	}
	benchmark(b, large)
}

func benchmark(b *testing.B, all []workload) {
	b.Helper()
	bench := newBench(b)
	var tables []table
	for _, w := range all {
		b.Run(w.name, func(b *testing.B) {
			site := bench.site(b, w)
			var rounds []round
			for b.Loop() {
				rounds = append(rounds, site.round(b))
			}
			t := summary(w, rounds)
			t.report(b)
			tables = append(tables, t)
		})
	}
	fmt.Println()
	for _, t := range tables {
		fmt.Println(t)
	}
}

// bench is what all workloads share: the program and a server.
type bench struct {
	server *embedpg.Server
	admin  *pgx.Conn
	exe    string
	bases  int
}

func newBench(b *testing.B) *bench {
	b.Helper()
	exe := filepath.Join(b.TempDir(), "syncd")
	build := exec.CommandContext(b.Context(), "go", "build", "-trimpath", "-o", exe, ".")
	out, err := build.CombinedOutput()
	require.NoError(b, err, string(out))
	server, err := embedpg.Throwaway(b.Context(), embedpg.Options{Durable: true})
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, server.Stop(context.WithoutCancel(b.Context()))) })
	admin, err := pgx.Connect(b.Context(), server.DSN("postgres"))
	require.NoError(b, err)
	b.Cleanup(func() { require.NoError(b, admin.Close(context.WithoutCancel(b.Context()))) })
	return &bench{server: server, admin: admin, exe: exe}
}

// benchSite is a tenant behind its vendor, and a database that each round begins
// with.
type benchSite struct {
	*bench
	workload
	vendor *vendor
	base   string
	config string
	// asked and rows are what the limits are measured with.
	asked []ask
	rows  []byte
}

func (bn *bench) site(b *testing.B, w workload) *benchSite {
	b.Helper()
	w.tenant.Limits = vendorsim.Limits{PerMinute: -1, PerHour: -1, Concurrency: -1}
	sim, err := vendorsim.New(w.tenant)
	require.NoError(b, err)
	bn.bases++
	s := &benchSite{
		bench: bn, workload: w, vendor: startVendor(b, sim, !w.plain),
		base: fmt.Sprintf("base_%d", bn.bases), config: filepath.Join(b.TempDir(), "syncd.yaml"),
	}
	text := fmt.Sprintf(`
database_url: ${DSN}
log: {level: warn, format: json}
sources:
  - name: acme
    vendor: wecom
    base_url: %s
    credentials: {corp_id: %s, secret: %s}
    limits: {per_minute: 0, per_hour: 0, concurrency: %d}
    streams:
      chats: {page_size: 1000}
`, s.vendor.URL, vendorsim.DefaultCorpID, vendorsim.DefaultSecret, w.inFlight)
	require.NoError(b, os.WriteFile(s.config, []byte(text), 0o600))

	s.admit(b, "create database "+s.base)
	s.sync(b, s.base, "migrate", "up")
	for _, stream := range w.needs {
		s.sync(b, s.base, "sync", "acme/"+stream)
	}
	if !w.plain {
		s.warm(b)
	}
	return s
}

// warm runs the pass once in a database that is then thrown away: afterwards the
// vendor has every answer at hand, and the rows are there to be copied.
func (s *benchSite) warm(b *testing.B) {
	b.Helper()
	s.withDatabase(b, func(name string, db *pgx.Conn) {
		s.vendor.record()
		s.sync(b, name, "sync", "acme/"+s.stream)
		s.asked = s.vendor.recorded()
		s.rows = copyOut(b, db, s.table)
	})
}

// round measures everything once.
func (s *benchSite) round(b *testing.B) round {
	b.Helper()
	var r round
	s.withDatabase(b, func(name string, db *pgx.Conn) {
		if !s.plain {
			r.discard = s.discard(b)
			r.copied = s.copyIn(b, db)
		}
		r.first = s.pass(b, name, db)
		// What autovacuum does between two passes of an ordinary day.
		exec1(b, db, "vacuum")
		if !s.listing() {
			exec1(b, db, "update sync.item set due_at = '-infinity'")
			exec1(b, db, "vacuum sync.item")
		}
		r.again = s.pass(b, name, db)
		require.Zero(b, r.again.changed, "rows that have not changed were written")
		require.Equal(b, r.first.rows, r.again.rows)
		require.Equal(b, r.first.calls, r.again.calls)
	})
	return r
}

// withDatabase calls work with a copy of the base database.
func (s *benchSite) withDatabase(b *testing.B, work func(name string, db *pgx.Conn)) {
	b.Helper()
	const name = "round"
	s.admit(b, "create database "+name+" template "+s.base+" strategy file_copy")
	db, err := pgx.Connect(b.Context(), s.server.DSN(name))
	require.NoError(b, err)
	work(name, db)
	require.NoError(b, db.Close(b.Context()))
	s.admit(b, "drop database "+name+" with (force)")
}

func (bn *bench) admit(b *testing.B, sql string) { b.Helper(); exec1(b, bn.admin, sql) }

func exec1(b *testing.B, db *pgx.Conn, sql string) {
	b.Helper()
	_, err := db.Exec(b.Context(), sql)
	require.NoError(b, err, sql)
}
