package main

import (
	"context"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// Sizes of the fleets that are measured.
var (
	benchTenants    = flag.Int("tenants", 1000, "benchmark: sources of one daemon")
	benchScaleChats = flag.Int("scale-chats", 1000, "benchmark: chats of each of eight sources whose members are read")
)

// fleetBench is a database and a configuration for daemons that are measured.
type fleetBench struct {
	*bench
	database string
	pool     *pgxpool.Pool
	config   string
}

// newFleet makes a new, migrated database and writes the configuration.
func (bn *bench) newFleet(b *testing.B, workers int, sources string) *fleetBench {
	b.Helper()
	bn.bases++
	f := &fleetBench{bench: bn, database: fmt.Sprintf("fleet_%d", bn.bases), config: filepath.Join(b.TempDir(), "syncd.yaml")}
	bn.admit(b, "create database "+f.database)
	text := fmt.Sprintf("database_url: ${DSN}\nhttp: {listen: \"127.0.0.1:0\"}\nlog: {level: info, format: json}\nworkers: %d\nsources:\n%s",
		workers, sources)
	require.NoError(b, os.WriteFile(f.config, []byte(text), 0o600))
	var err error
	f.pool, err = pgxpool.New(b.Context(), bn.server.DSN(f.database))
	require.NoError(b, err)
	b.Cleanup(f.pool.Close)
	f.command(b, "migrate", "up")
	return f
}

// command runs the program to its end.
func (f *fleetBench) command(b *testing.B, args ...string) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), f.exe, append(args, "--config", f.config)...)
	cmd.Env = append(os.Environ(), "DSN="+f.server.DSN(f.database))
	out, err := cmd.CombinedOutput()
	require.NoError(b, err, string(out))
}

// daemon starts one, which runs until the function that is returned is called.
func (f *fleetBench) daemon(b *testing.B) (pid int, stop func()) {
	b.Helper()
	var log buffer
	cmd := exec.CommandContext(context.WithoutCancel(b.Context()), f.exe, "run", "--config", f.config)
	cmd.Dir = b.TempDir() // its data_dir
	cmd.Env = append(os.Environ(), "DSN="+f.server.DSN(f.database))
	cmd.Stderr = &log
	require.NoError(b, cmd.Start())
	stop = sync.OnceFunc(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	b.Cleanup(stop)
	saw(b, &log, "syncd is running")
	return cmd.Process.Pid, stop
}

func (f *fleetBench) exec(b *testing.B, sql string) {
	b.Helper()
	_, err := f.pool.Exec(b.Context(), sql)
	require.NoError(b, err, sql)
}

// until waits for a condition in the database, for as long as it takes.
func (f *fleetBench) until(b *testing.B, condition string) {
	b.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for met := false; !met; <-tick.C {
		require.NoError(b, f.pool.QueryRow(b.Context(), "select "+condition).Scan(&met), condition)
	}
}

// used is what a process has used so far, as Linux counts it.
func used(b *testing.B, pid int) (cpu time.Duration, rssBytes, peakBytes int64) {
	b.Helper()
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		b.Skip("the figures are those of Linux")
	}
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	const ticks = 100 // USER_HZ, on every machine
	for _, field := range fields[11:13] {
		n, err := strconv.ParseInt(field, 10, 64)
		require.NoError(b, err)
		cpu += time.Duration(n) * time.Second / ticks
	}
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	require.NoError(b, err)
	for line := range strings.Lines(string(status)) {
		var kB int64
		if _, err := fmt.Sscanf(line, "VmRSS: %d kB", &kB); err == nil {
			rssBytes = kB << 10
		}
		if _, err := fmt.Sscanf(line, "VmHWM: %d kB", &kB); err == nil {
			peakBytes = kB << 10
		}
	}
	return cpu, rssBytes, peakBytes
}

// wecomSource is a source with three streams, all else switched off.
func wecomSource(name, url, schedule string) string {
	return fmt.Sprintf(`  - name: %s
    vendor: wecom
    base_url: %s
    credentials: {corp_id: %s, secret: %s}
    limits: {per_minute: 0, per_hour: 0, concurrency: 4}
    streams:
      owners: {schedule: "%[5]s"}
      chats: {schedule: "%[5]s"}
      members: {schedule: "%[5]s"}
      owner_stats: {enabled: false}
      daily_stats: {enabled: false}
      owner_period_stats: {enabled: false}
      group_messages: {enabled: false}
      group_message_tasks: {enabled: false}
      group_message_results: {enabled: false}
      join_ways: {enabled: false}
`, name, url, vendorsim.DefaultCorpID, vendorsim.DefaultSecret, schedule)
}

// unlimitedVendor is a simulated vendor without limits.
func unlimitedVendor(b *testing.B, o vendorsim.Options) (*vendorsim.Sim, string) {
	b.Helper()
	o.Limits = vendorsim.Limits{PerMinute: -1, PerHour: -1, Concurrency: -1}
	sim, err := vendorsim.New(o)
	require.NoError(b, err)
	server := httptest.NewServer(sim)
	b.Cleanup(server.Close)
	return sim, server.URL
}

// BenchmarkManyTenants is one daemon for a thousand sources of three streams: how
// long it takes to read them all for the first time, what it uses when nothing is
// due, and how late runs begin when every source has one within a minute, as the
// delay of an hourly schedule spreads them.
func BenchmarkManyTenants(b *testing.B) {
	bn := newBench(b)
	_, url := unlimitedVendor(b, vendorsim.Options{Chats: 5, Owners: 2, MeanMembers: 5, MaxMembers: 10})
	for b.Loop() {
		var sources strings.Builder
		for i := range *benchTenants {
			sources.WriteString(wecomSource(fmt.Sprintf("tenant-%04d", i), url, "20 4 1 1 *"))
		}
		f := bn.newFleet(b, 4, sources.String())
		began := time.Now()
		pid, stop := f.daemon(b)
		f.until(b, fmt.Sprintf("count(*) = %d from sync.schedule where outcome = 'done'", 3**benchTenants))
		b.ReportMetric(time.Since(began).Seconds(), "s/first-run")

		const settle, idle = 20 * time.Second, 30 * time.Second
		time.Sleep(settle) // connections to vendors are kept for a while
		before, _, _ := used(b, pid)
		time.Sleep(idle)
		after, rss, peak := used(b, pid)
		b.ReportMetric(100*(after-before).Seconds()/idle.Seconds(), "%idle-CPU")
		b.ReportMetric(float64(rss)/(1<<20), "MiB-RSS")
		b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")

		f.exec(b, waitsOfJobs)
		f.exec(b, `create table evidence.due as
			select source, stream, now() + interval '5 seconds' + random() * interval '60 seconds' as at
			  from sync.schedule where stream = 'chats'`)
		f.exec(b, `update sync.schedule s set next_run_at = d.at from evidence.due d where s.source = d.source and s.stream = d.stream`)
		f.until(b, fmt.Sprintf("count(distinct source) = %d from evidence.job where what = 'ended'", *benchTenants))
		rows, err := f.pool.Query(b.Context(), `
			select percentile_cont(array[0.5, 0.99, 1]) within group (order by extract(epoch from j.at - d.at))
			  from evidence.due d
			  join (select source, min(at) as at from evidence.job where what = 'began' group by source) j using (source)`)
		require.NoError(b, err)
		late, err := pgx.CollectExactlyOneRow(rows, pgx.RowTo[[]float64])
		require.NoError(b, err)
		b.ReportMetric(late[0], "s-late-p50")
		b.ReportMetric(late[1], "s-late-p99")
		b.ReportMetric(late[2], "s-late-max")
		stop()
	}
}

// BenchmarkScaleOut reads the members of eight sources, whose vendor takes 50 ms to
// answer, with one, two and four daemons of two workers.
func BenchmarkScaleOut(b *testing.B) {
	bn := newBench(b)
	for b.Loop() {
		var before float64
		for _, daemons := range []int{1, 2, 4} {
			rate := bn.scaleOut(b, daemons)
			b.ReportMetric(rate, fmt.Sprintf("calls/s-%d-daemons", daemons))
			if before > 0 {
				b.ReportMetric(rate/before, fmt.Sprintf("times-%d-daemons", daemons))
			}
			before = rate
		}
	}
}

// scaleOut returns the calls per second from when all daemons are there until all is
// read.
func (bn *bench) scaleOut(b *testing.B, daemons int) float64 {
	b.Helper()
	const sources = 8
	gate := make(chan struct{})
	var text strings.Builder
	var sims []*vendorsim.Sim
	for i := range sources {
		sim, url := unlimitedVendor(b, vendorsim.Options{Seed: uint64(i), Chats: *benchScaleChats, MeanMembers: 10, MaxMembers: 50, Latency: 50 * time.Millisecond})
		sims = append(sims, sim)
		text.WriteString(wecomSource(fmt.Sprintf("tenant-%d", i), url, "20 4 1 1 *"))
	}
	f := bn.newFleet(b, 2, text.String())
	for i := range sources {
		f.command(b, "sync", fmt.Sprintf("tenant-%d/owners", i), fmt.Sprintf("tenant-%d/chats", i))
		sims[i].SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
			if r.Endpoint == vendorsim.EndpointChatGet {
				select {
				case <-gate:
				case <-ctx.Done():
				}
			}
			return vendorsim.Verdict{}
		}})
	}
	var stops []func()
	for range daemons {
		_, stop := f.daemon(b)
		stops = append(stops, stop)
	}
	began := time.Now()
	close(gate)
	f.until(b, fmt.Sprintf("count(*) = %d from groupchat.chat where detail_at is not null", sources**benchScaleChats))
	took := time.Since(began)
	for _, stop := range stops {
		stop()
	}
	return float64(sources**benchScaleChats) / took.Seconds()
}
