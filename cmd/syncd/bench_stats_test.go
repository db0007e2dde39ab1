package main

import (
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/vendorsim"
)

// BenchmarkOwnerDays fills a million owner-days from nothing: 6,000 owners over
// the whole window. It reports the rate, the peak memory of the process, and how
// long the gaps of all owners take to ask for when everything is held.
func BenchmarkOwnerDays(b *testing.B) {
	for b.Loop() {
		s := newStatSite(b, vendorsim.Options{
			Seed: 1, Chats: 10, Owners: 6300, StatsOnly: true,
			Limits: vendorsim.Limits{Concurrency: -1},
			Start:  time.Date(2026, 11, 19, 9, 0, 0, 0, china),
		})
		require.Equal(b, exitOK, s.runOn(s.now, "sync", "acme/owners").code)
		began := time.Now()
		c := s.start("sync", "acme/owner_stats")
		<-c.done
		took := time.Since(began)
		require.Equal(b, exitOK, c.cmd.ProcessState.ExitCode(), c.stderr.String())
		rows := scalar[int](s.site, "select count(*) from groupchat.owner_stat")
		usage, ok := c.cmd.ProcessState.SysUsage().(*syscall.Rusage)
		require.True(b, ok)

		window := model.WindowSpec{Zone: china, Reach: 179, Backfill: 180, Lookback: 3, ReadyHour: 6}.At(s.sim.Now())
		pass := model.Pass{Source: "acme", Stream: "owner_stats"}
		began = time.Now()
		_, err := store.New(s.pool).Gaps(b.Context(), pass, window)
		require.NoError(b, err)
		gaps := time.Since(began)
		b.ReportMetric(float64(rows), "rows")
		b.ReportMetric(float64(rows)/took.Seconds(), "rows/s")
		b.ReportMetric(float64(usage.Maxrss)/1024, "MiB-peak")
		b.ReportMetric(float64(gaps.Milliseconds()), "ms/gap-query")
	}
}
