package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/schedule"
	"syncd/internal/vendorsim/dingtalk"
)

// The mode that is next, for the command and for a job of either schedule, while a
// full pass is open and before and after.
func TestNextMode(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 23, 12, 0, 0, 0, china) // a Monday; chats are due at 10 */6, in full on Sundays
	s := newDingSite(t, dingtalk.Options{Seed: 73, Chats: 50, Sets: -1, Start: start})
	run := s.longRun()
	full := run.source.specs[1]
	require.Equal(t, "chats", full.Name)
	next := func(due bool) string {
		t.Helper()
		spec, err := run.source.nextMode(t.Context(), run.job.store, full, due, s.sim.Now())
		require.NoError(t, err)
		return spec.Mode
	}
	then := func(ended string, kind schedule.Kind) schedule.Kind {
		t.Helper()
		f := &fleet{store: run.job.store}
		return f.thenFull(t.Context(), &crew{source: run.source}, "chats", ended, schedule.Verdict{Kind: kind}).Kind
	}
	require.Equal(t, modeFull, next(false), "nothing has been read yet")
	s.done("sync", "ding/chats")
	require.Equal(t, modeNew, next(false))
	require.Equal(t, modeFull, next(true), "its own schedule says so")
	require.Equal(t, schedule.Done, then(modeNew, schedule.Done))

	s.advance(time.Hour)
	s.exec(`insert into sync.pass (source, stream, mode, trigger, scope, full_read, started_at, outcome)
		select source, stream, mode, 'schedule', scope, false, $1, 'partial' from sync.pass where stream = 'chats'`, s.sim.Now())
	require.Equal(t, modeFull, next(false), "it is younger than the last time of the schedule")
	s.advance(6 * time.Hour)
	for _, due := range []bool{false, true} {
		require.Equal(t, modeNew, next(due), "it keeps what is new waiting")
	}
	s.exec(`insert into sync.pass (source, stream, mode, trigger, scope, full_read, started_at, finished_at, outcome, verdict)
		select source, stream, 'new', 'schedule', scope, false, $1, $1, 'complete', 'complete' from sync.pass where mode = 'full' limit 1`, s.sim.Now())
	require.Equal(t, schedule.More, then(modeNew, schedule.Done))
	require.Equal(t, schedule.Later, then(modeNew, schedule.Later))
	require.Equal(t, schedule.Done, then(modeFull, schedule.Done))
	require.Equal(t, modeFull, next(true), "what is new has been read")
	s.advance(6 * time.Hour)
	require.Equal(t, modeNew, next(false))
	s.exec("update sync.pass set scope = scope + 1 where finished_at is not null")
	require.Equal(t, modeFull, next(false), "under these filters everything is new")
}
