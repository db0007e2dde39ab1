package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

func timetables(next time.Time, streams ...string) (list []model.Timetable, first []time.Time) {
	for _, stream := range streams {
		list = append(list, model.Timetable{
			Source: "acme", Stream: stream, Expression: "@daily", Timezone: "UTC", NextRunAt: next,
		})
		first = append(first, next)
	}
	return list, first
}

// A run that one process is enqueuing is nobody else's, and one that could not be
// enqueued stays due.
func TestDueRunsAreHeld(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	s, now := store.New(pool), time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	list, first := timetables(now, "chats", "owners")
	require.NoError(t, s.ApplySchedules(ctx, list, first, now))

	dispatch := func(limit int, work func(due []model.DueRun) ([]model.Advance, error)) int {
		found, err := s.Dispatch(ctx, now, now, limit, func(_ context.Context, _ pgx.Tx, due []model.DueRun) ([]model.Advance, error) {
			return work(due)
		})
		if err != nil {
			require.ErrorIs(t, err, context.Canceled)
		}
		return found
	}
	none := func([]model.DueRun) ([]model.Advance, error) {
		t.Error("a run that is held was handed out")
		return nil, nil
	}
	require.Equal(t, 1, dispatch(1, func([]model.DueRun) ([]model.Advance, error) {
		require.Equal(t, 1, dispatch(5, func(due []model.DueRun) ([]model.Advance, error) {
			require.Equal(t, "owners", due[0].Stream)
			require.Zero(t, dispatch(5, none))
			return nil, context.Canceled
		}))
		return []model.Advance{{Source: "acme", Stream: "chats", NextRunAt: now.Add(time.Hour), Ran: true}}, nil
	}))
	require.Equal(t, 1, dispatch(5, func(due []model.DueRun) ([]model.Advance, error) {
		require.Equal(t, "owners", due[0].Stream)
		return []model.Advance{{Source: "acme", Stream: "owners", NextRunAt: now.Add(time.Hour)}}, nil
	}))
	require.Zero(t, dispatch(5, none))
	ran, err := pgxRowsQuery[string](ctx, pool, "select stream from sync.schedule where last_run_at is not null")
	require.NoError(t, err)
	require.Equal(t, []string{"chats"}, ran)
}

// Two failures at the same time count once, a slice that began before a pause
// does not end it, and one that began in it does.
func TestHealthOfASource(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	s, now := store.New(pool), time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	list, first := timetables(now, "chats")
	require.NoError(t, s.ApplySchedules(ctx, list, first, now))
	note := func(n model.SliceNote) model.Standing {
		n.Source, n.Stream = "acme", "chats"
		if n.Began.IsZero() {
			n.Began = n.At
		}
		require.NoError(t, s.NoteSlice(ctx, n))
		st, err := s.Standing(ctx, "acme", "chats", "")
		require.NoError(t, err)
		return st
	}
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	st := note(model.SliceNote{At: at(0), Outcome: "transient", Failed: true, HoldSource: at(2)})
	require.Equal(t, 1, st.SourceFailures)
	require.True(t, st.ResumeAt.Equal(at(2)))
	st = note(model.SliceNote{At: at(1), Outcome: "transient", Failed: true, HoldSource: at(3)})
	require.Equal(t, 1, st.SourceFailures)
	require.Equal(t, 2, st.Failures)
	st = note(model.SliceNote{At: at(5), Outcome: "transient", Failed: true, HoldSource: at(9)})
	require.Equal(t, 2, st.SourceFailures)

	st = note(model.SliceNote{At: at(10), Outcome: "auth", ProbeAt: at(25), Error: "40001"})
	require.True(t, st.Paused)
	st = note(model.SliceNote{At: at(11), Began: at(9), Outcome: "done", Healthy: true})
	require.True(t, st.Paused)
	require.Zero(t, st.Failures+st.SourceFailures)
	require.True(t, st.ResumeAt.IsZero())
	st = note(model.SliceNote{At: at(25), Outcome: "done", Healthy: true})
	require.Equal(t, model.Standing{Enabled: true}, st)

	st = note(model.SliceNote{At: at(30), Outcome: "config", Halt: true, DueAt: at(30)})
	require.True(t, st.Halted)
	require.NoError(t, s.ApplySchedules(ctx, nil, nil, at(31)))
	st = note(model.SliceNote{At: at(31), Outcome: "done"})
	require.Equal(t, model.Standing{Halted: true}, st)
	require.NoError(t, s.ApplySchedules(ctx, list, first, at(32)))
	st = note(model.SliceNote{At: at(32), Outcome: "done"})
	require.Equal(t, model.Standing{Enabled: true}, st)
}

// A slice that asked nothing hands the try of its source on, but not where another
// one has been refused meanwhile: the next try has its time already.
func TestTryIsHandedOnOnce(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	s, now := store.New(pool), time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	at := func(minutes int) time.Time { return now.Add(time.Duration(minutes) * time.Minute) }
	list, first := timetables(now, "chats", "owners")
	require.NoError(t, s.ApplySchedules(ctx, list, first, now))
	note := func(stream string, n model.SliceNote) time.Time {
		t.Helper()
		n.Source, n.Stream = "acme", stream
		require.NoError(t, s.NoteSlice(ctx, n))
		probes, err := pgxRowsQuery[time.Time](ctx, pool, "select probe_at from sync.source_health")
		require.NoError(t, err)
		require.Len(t, probes, 1)
		return probes[0].UTC()
	}
	require.Equal(t, at(15), note("owners", model.SliceNote{
		Began: at(0), At: at(0), Outcome: "auth", ProbeAt: at(15), ResumeAt: at(15), DueAt: at(15),
	}))
	require.Equal(t, at(16), note("chats", model.SliceNote{Began: at(15), At: at(16), Outcome: "blocked", HandOn: true}).Add(time.Minute),
		"it was due a minute ago, and still is")
	require.Equal(t, at(32), note("owners", model.SliceNote{
		Began: at(16), At: at(17), Outcome: "auth", ProbeAt: at(32), ResumeAt: at(32), DueAt: at(32),
	}))
	require.Equal(t, at(32), note("chats", model.SliceNote{Began: at(16), At: at(18), Outcome: "blocked", HandOn: true}),
		"it began before the other one was refused")
	require.Equal(t, at(20), note("chats", model.SliceNote{Began: at(19), At: at(20), Outcome: "blocked", HandOn: true}))

	// The next configuration makes the refused run due.
	note("owners", model.SliceNote{Began: at(20), At: at(21), Outcome: "auth", ProbeAt: at(36), ResumeAt: at(36), DueAt: at(36)})
	require.NoError(t, s.ApplySchedules(ctx, list, first, at(22)))
	require.Equal(t, at(22), note("chats", model.SliceNote{Began: at(22), At: at(22), Outcome: "stopped"}))
}
