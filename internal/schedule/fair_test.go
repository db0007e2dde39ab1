package schedule_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/schedule"
)

// A source whose vendor hangs holds half of the workers at most. The others run
// meanwhile, however many streams of it wait in front of them.
func TestHangingSourceDoesNotStarveOthers(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	var hanging atomic.Int64
	e := r.engine(func(ctx context.Context, task schedule.Task) schedule.Verdict {
		if task.Source != "bad" {
			return schedule.Verdict{Kind: schedule.Done}
		}
		hanging.Add(1)
		return g.slice(ctx, task)
	}, func(o *schedule.Options) { o.Workers = 4 })
	bad := []string{"bad/a", "bad/b", "bad/c", "bad/d", "bad/e", "bad/f"}
	good := []string{"ok1/a", "ok2/a", "ok3/a", "ok4/a", "ok5/a"}
	r.settled(e, hourly(append(bad, good...)...))
	r.due(bad...)
	require.NoError(t, e.Dispatch(t.Context()))
	require.Equal(t, len(bad), r.jobs("available"))
	r.run(e)
	g.next(t)
	g.next(t)
	r.due(good...)
	soon(t, "the others are over", func() bool { return r.jobs("completed") == len(good) })
	require.EqualValues(t, 2, hanging.Load())
	require.Equal(t, 2, e.InFlight())
}

// With one worker, a source that fails has one slice; then it is the turn of the
// others, and its further streams are left alone for a while.
func TestFailingSourceHasOneSlice(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice, func(o *schedule.Options) { o.Workers = 1 })
	bad := []string{"bad/a", "bad/b", "bad/c", "bad/d"}
	r.settled(e, hourly(append(bad, "ok1/a", "ok2/a")...))
	r.due(bad...)
	require.NoError(t, e.Dispatch(t.Context()))
	r.run(e)
	require.Equal(t, "bad/a", g.next(t))
	r.enqueued(e, "ok1/a", "ok2/a")
	g.end(t, "bad", "a", schedule.Verdict{Kind: schedule.Transient, Err: errors.New("timeout")})
	require.Equal(t, "ok1/a", g.next(t))
	g.end(t, "ok1", "a", schedule.Verdict{Kind: schedule.Done})
	require.Equal(t, "ok2/a", g.next(t))
	g.end(t, "ok2", "a", schedule.Verdict{Kind: schedule.Done})
	soon(t, "its streams are left alone", func() bool { return r.jobs("scheduled") == len(bad) })
	require.Empty(t, g.began)
}

// Sources take turns, however many streams each has: who was served less
// recently goes first, also before jobs that have waited longer.
func TestSourcesTakeTurns(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice, func(o *schedule.Options) { o.Workers = 1 })
	big := []string{"big/a", "big/b", "big/c", "big/d", "big/e", "big/f"}
	r.settled(e, hourly(append(big, "small/a")...))
	r.due(big...)
	require.NoError(t, e.Dispatch(t.Context()))
	r.run(e)
	first := g.next(t)
	require.Contains(t, big, first)
	r.enqueued(e, "small/a")

	g.end(t, "big", first[len("big/"):], schedule.Verdict{Kind: schedule.Done})
	require.Equal(t, "small/a", g.next(t))
	for range 3 { // each second slice is the small one's
		g.end(t, "small", "a", schedule.Verdict{Kind: schedule.More})
		stream := g.next(t)
		require.Contains(t, big, stream)
		soon(t, "the small one waits", func() bool { return r.jobs("running") == 1 })
		r.exec(`update river.river_job set priority = 1`) // like the first slices of the big one
		g.end(t, "big", stream[len("big/"):], schedule.Verdict{Kind: schedule.Done})
		require.Equal(t, "small/a", g.next(t))
	}
}

// What is new does not wait for what is long: the first slice of a run comes
// before the further ones of other streams.
func TestFirstSlicesGoFirst(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice, func(o *schedule.Options) { o.Workers = 1 })
	r.settled(e, hourly("acme/backfill", "acme/more", "acme/daily"))
	r.due("acme/backfill", "acme/more")
	require.NoError(t, e.Dispatch(t.Context()))
	r.run(e)
	for range 4 {
		name := g.next(t)
		g.end(t, "acme", name[len("acme/"):], schedule.Verdict{Kind: schedule.More})
	}
	name := g.next(t) // in flight, and the other long one waits
	r.enqueued(e, "acme/daily")
	g.end(t, "acme", name[len("acme/"):], schedule.Verdict{Kind: schedule.More})
	require.Equal(t, "acme/daily", g.next(t))
	g.end(t, "acme", "daily", schedule.Verdict{Kind: schedule.Done})
}

// A stop ends slices in time, with their jobs kept for whoever comes next.
func TestStopKeepsTheJobs(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice)
	r.settled(e, hourly("acme/chats", "other/chats"))
	stop := r.run(e)
	r.due("acme/chats", "other/chats")
	g.next(t)
	g.next(t)
	require.NoError(t, stop())
	require.Zero(t, e.InFlight())
	require.Zero(t, r.jobs("running"))
	require.Equal(t, 2, r.jobs("available"))
	require.True(t, get[bool](r, `select bool_and(attempt = 0 and errors is null) from river.river_job`))
	require.Equal(t, "stopped", r.outcome("acme", "chats"))
	r.start(done)
	soon(t, "another process goes on", func() bool { return r.jobs("completed") == 2 })
}

// A slice that heeds only its context is ended with it, and its job kept.
func TestStopEndsSlowSlices(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	began := make(chan struct{}, 1)
	e := r.engine(func(ctx context.Context, _ schedule.Task) schedule.Verdict {
		began <- struct{}{}
		<-ctx.Done()
		return schedule.Verdict{Kind: schedule.Unknown, Err: ctx.Err()}
	}, (*schedule.Options).StopsSlicesAtOnce)
	r.settled(e, hourly("acme/chats"))
	stop := r.run(e)
	r.due("acme/chats")
	<-began
	require.NoError(t, stop())
	require.Equal(t, 1, r.jobs("available"))
	require.Equal(t, "stopped", r.outcome("acme", "chats"))
	require.Zero(t, get[int](r, `select failures from sync.schedule`))
}

// The second signal does not wait for a slice that heeds nothing.
func TestSecondSignalDoesNotWait(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	free := make(chan struct{})
	t.Cleanup(func() { close(free) })
	began := make(chan struct{}, 1)
	e := r.engine(func(context.Context, schedule.Task) schedule.Verdict {
		began <- struct{}{}
		<-free
		return schedule.Verdict{Kind: schedule.Done}
	}, (*schedule.Options).StopsInTime)
	r.settled(e, hourly("acme/chats"))
	r.due("acme/chats")
	ctx, second := context.WithCancel(t.Context())
	first, end := make(chan struct{}), make(chan error, 1)
	go func() { end <- e.Run(ctx, first) }()
	<-began
	close(first)
	second()
	select {
	case err := <-end:
		require.ErrorContains(t, err, "did not end")
	case <-time.After(soonMax):
		require.Fail(t, "it waits")
	}
	require.Equal(t, 1, r.jobs("running"))
}
