package schedule_test

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/schedule"
)

// Several processes look at the same schedules at the same time: each run is
// enqueued once, and nothing runs twice at once.
func TestEachRunIsEnqueuedOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var slices, dispatched atomic.Int64
	var mu sync.Mutex
	inFlight := map[string]int{}
	var list []schedule.Entry
	for _, source := range []string{"a", "b", "c", "d", "e"} {
		list = append(list, hourly(source+"/chats", source+"/members", source+"/owners")...)
	}
	begin := make(chan struct{})
	for range 4 {
		seen := map[string]int{}
		r.start(func(_ context.Context, task schedule.Task) schedule.Verdict {
			<-begin
			key := task.Source + "/" + task.Stream
			mu.Lock()
			inFlight[key]++
			if inFlight[key] > 1 {
				t.Errorf("two slices of %s at once", key)
			}
			seen[key]++
			n := seen[key]
			mu.Unlock()
			defer func() {
				mu.Lock()
				inFlight[key]--
				mu.Unlock()
			}()
			if slices.Add(1); n < 3 { // each process goes on with it for a while
				return schedule.Verdict{Kind: schedule.More}
			}
			return schedule.Verdict{Kind: schedule.Done}
		}, func(o *schedule.Options) {
			o.Hooks.Dispatched = func(string, string, string, time.Duration) { dispatched.Add(1) }
		})
	}
	other := r.engine(done)
	r.settled(other, list)
	r.advance(time.Hour)
	close(begin)
	for range 20 { // beside those of the processes themselves
		require.NoError(t, other.Dispatch(t.Context()))
	}
	soon(t, "all runs are over", func() bool { return r.jobs("completed") == len(list) && other.InFlight() == 0 })
	require.LessOrEqual(t, dispatched.Load(), int64(len(list)))
	require.GreaterOrEqual(t, slices.Load(), int64(3*len(list)))
	require.Equal(t, len(list), get[int](r, `select count(*) from river.river_job`))
	require.Equal(t, len(list), get[int](r, `select count(*) from sync.schedule where next_run_at > $1 and outcome = 'done'`, r.now()))
}

// However long nobody was there, a missed run is caught up once.
func TestMissedRunsAreCaughtUpOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.engine(done)
	r.settled(e, hourly("acme/chats"))
	r.advance(72 * time.Hour)
	for range 3 {
		require.NoError(t, e.Dispatch(t.Context()))
	}
	require.Equal(t, 1, r.jobs("available"))
	next := get[time.Time](r, `select next_run_at from sync.schedule`)
	require.True(t, next.After(r.now()) && !next.After(r.now().Add(time.Hour)), "%s", next)
	depth, err := e.Depth(t.Context())
	require.NoError(t, err)
	require.EqualValues(t, 1, depth.Ready)
	require.Zero(t, depth.Due)
	r.run(e)
	soon(t, "it runs", func() bool { return r.jobs("completed") == 1 })
	// And the next one, although the job of the first is still kept.
	r.advance(time.Hour)
	depth, err = e.Depth(t.Context())
	require.NoError(t, err)
	require.LessOrEqual(t, depth.Lag, time.Hour)
	soon(t, "it runs again", func() bool { return r.jobs("completed") == 2 })
}

// What is new runs at once, what is changed at its new time, and what has left
// the configuration no more; nothing else is touched.
func TestApply(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.engine(done)
	require.NoError(t, e.Apply(t.Context(), hourly("acme/chats", "acme/owners", "gone/chats")))
	first := get[time.Time](r, `select max(next_run_at) from sync.schedule`)
	require.Less(t, first.Sub(r.now()), 6*time.Second)
	r.settled(e, hourly("acme/chats", "acme/owners", "gone/chats"))
	before := get[string](r, `select string_agg(xmin::text || next_run_at, ' ' order by stream) from sync.schedule where source = 'acme'`)
	require.NoError(t, e.Apply(t.Context(), hourly("acme/chats", "acme/owners", "gone/chats")))
	require.Equal(t, before, get[string](r,
		`select string_agg(xmin::text || next_run_at, ' ' order by stream) from sync.schedule where source = 'acme'`))

	changed := append(hourly("acme/chats"), entries("0 3 * * *", "acme/owners")...)
	require.NoError(t, e.Apply(t.Context(), changed))
	require.Equal(t, 3, get[int](r, `select extract(hour from next_run_at at time zone 'UTC')::int from sync.schedule where stream = 'owners'`))
	require.False(t, get[bool](r, `select enabled from sync.schedule where source = 'gone'`))
	r.advance(26 * time.Hour)
	require.NoError(t, e.Dispatch(t.Context()))
	require.Equal(t, 2, r.jobs("available"))

	// A run that was due when its expression changed is not lost.
	r.due("acme/owners")
	require.NoError(t, e.Apply(t.Context(), append(hourly("acme/chats"), entries("0 4 * * *", "acme/owners")...)))
	require.True(t, get[time.Time](r, `select next_run_at from sync.schedule where stream = 'owners'`).Equal(r.now()))

	// One bad expression changes nothing.
	require.ErrorContains(t, e.Apply(t.Context(), append(hourly("new/chats"), entries("61 * * * *", "acme/owners")...)), "61")
	require.Zero(t, get[int](r, `select count(*) from sync.schedule where source = 'new'`))

	// What comes back is caught up once.
	require.NoError(t, e.Apply(t.Context(), hourly("gone/chats")))
	require.True(t, get[bool](r, `select enabled and next_run_at <= $1 from sync.schedule where source = 'gone'`, r.now()))
}

// The job of a stream that has left the configuration ends without a slice.
func TestRemovedStreamDoesNotRun(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	e := r.engine(func(context.Context, schedule.Task) schedule.Verdict {
		t.Error("a slice of a removed stream")
		return schedule.Verdict{Kind: schedule.Done}
	})
	r.settled(e, hourly("acme/chats"))
	r.due("acme/chats")
	require.NoError(t, e.Dispatch(t.Context()))
	require.NoError(t, e.Apply(t.Context(), nil))
	r.run(e)
	soon(t, "the job is cancelled", func() bool { return r.jobs("cancelled") == 1 })
}

// A run that is due while the one before is at work does not overlap it, and is
// not repeated after it. A full one waits for the end of one that is not.
func TestRunsDoNotOverlap(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice)
	list := hourly("acme/chats")
	full := list[0]
	full.Mode = "full"
	r.settled(e, append(list, full))
	r.run(e)
	r.exec(`update sync.schedule set next_run_at = $1 where mode = ''`, r.now())
	require.Equal(t, "acme/chats", g.next(t))

	r.due("acme/chats")
	soon(t, "one is part of it", func() bool {
		return get[bool](r, `select next_run_at > $1 from sync.schedule where mode = ''`, r.now())
	})
	require.Equal(t, 1, get[int](r, `select count(*) from river.river_job`))
	require.True(t, get[bool](r, `select next_run_at <= $1 from sync.schedule where mode = 'full'`, r.now()))
	g.end(t, "acme", "chats", schedule.Verdict{Kind: schedule.Done})
	require.Equal(t, "acme/chatsfull", g.next(t))

	// The other is part of it.
	none := func() bool {
		return get[int](r, `select count(*) from sync.schedule where next_run_at <= $1`, r.now()) == 0
	}
	r.exec(`update sync.schedule set next_run_at = $1 where mode = ''`, r.now())
	soon(t, "it is not due any more", none)
	g.end(t, "acme", "chats", schedule.Verdict{Kind: schedule.Done})
	soon(t, "both are over", func() bool { return r.jobs("completed") == 2 })

	// Of two that are due together, the full one runs.
	r.due("acme/chats")
	require.Equal(t, "acme/chatsfull", g.next(t))
	require.True(t, none())
	g.end(t, "acme", "chats", schedule.Verdict{Kind: schedule.Done})
}

// A job with more to do goes on at once, at a lower priority than the first
// slices of others, and gets the higher one back when its schedule is due again.
func TestSnoozing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice)
	r.settled(e, hourly("acme/stats"))
	r.run(e)
	r.due("acme/stats")
	require.Equal(t, "acme/stats", g.next(t))
	g.end(t, "acme", "stats", schedule.Verdict{Kind: schedule.More})
	require.Equal(t, "acme/stats", g.next(t))
	require.Equal(t, 2, get[int](r, `select priority from river.river_job`))

	g.end(t, "acme", "stats", schedule.Verdict{
		Kind: schedule.Later, At: r.now().Add(48 * time.Hour), Err: errors.New("the budget of the month is spent"),
	})
	soon(t, "it waits", func() bool { return r.jobs("scheduled") == 1 })
	require.True(t, get[bool](r, `select scheduled_at - now() between '47 h' and '48 h' and attempt = 0 and errors is null
		from river.river_job`))
	require.Equal(t, "later the budget of the month is spent", get[string](r, `select outcome || ' ' || error from sync.schedule`))
	require.True(t, get[time.Time](r, `select resume_at from sync.schedule`).Equal(r.now().Add(48*time.Hour)))

	r.enqueued(e, "acme/stats")
	require.Equal(t, 1, get[int](r, `select count(*) from river.river_job where priority = 1`))
	require.Equal(t, 1, r.jobs("scheduled"))
}

// A vendor that does not answer is tried again, later each time, without the
// job failing; a good slice makes up for it.
func TestTransientTroublePauses(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	g := newGate()
	e := r.engine(g.slice)
	r.settled(e, hourly("acme/chats", "acme/owners"))
	r.run(e)
	r.due("acme/chats")
	for n := 1; n <= 3; n++ {
		require.Equal(t, "acme/chats", g.next(t))
		g.end(t, "acme", "chats", schedule.Verdict{Kind: schedule.Transient, Err: errors.New("http 502")})
		soon(t, "it pauses", func() bool { return r.jobs("scheduled") == 1 })
		require.Equal(t, n, get[int](r, `select failures from sync.schedule where stream = 'chats'`))
		require.Equal(t, n, get[int](r, `select failures from sync.source_health`))
		pause := get[time.Time](r, `select resume_at from sync.schedule where stream = 'chats'`).Sub(r.now())
		least := 24 * time.Second << (n - 1)
		require.True(t, least <= pause && pause <= 3*least/2, "%s", pause)
		// The source's other streams pause as well.
		require.True(t, get[bool](r, `select resume_at > $1 from sync.source_health`, r.now()))
		r.exec(`update sync.schedule set next_run_at = $1`, r.now().Add(2*time.Hour))
		r.advance(time.Hour)
		r.exec(`update river.river_job set scheduled_at = now(), state = 'available'`)
	}
	require.Equal(t, "acme/chats", g.next(t))
	g.end(t, "acme", "chats", schedule.Verdict{Kind: schedule.Done})
	soon(t, "it is over", func() bool { return r.jobs("completed") == 1 })
	require.Equal(t, 0, get[int](r, `select failures from sync.schedule where stream = 'chats'`))
	require.True(t, get[bool](r, `select failures = 0 and resume_at is null and error is null from sync.source_health`))
	require.True(t, get[bool](r, `select attempt = 1 and errors is null from river.river_job`))
}

// A panic is one failed job: the process lives, other streams go on, and the job
// is tried again. No secret reaches River's table.
func TestPanicIsOneFailedJob(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var panics, failed atomic.Int64
	const secret = "s3cr3t-of-acme"
	e := r.start(func(_ context.Context, task schedule.Task) schedule.Verdict {
		switch task.Stream {
		case "chats":
			panic("index out of range at https://x/get?access_token=tok123 with " + secret)
		case "owners":
			return schedule.Verdict{Kind: schedule.Unknown, Err: errors.New("corpsecret=tok123 refused, " + secret)}
		}
		return schedule.Verdict{Kind: schedule.Done}
	}, func(o *schedule.Options) {
		o.Workers = 8 // half of which are for one source: all three run at once
		o.Scrub = func(s string) string {
			for i := 0; i+len(secret) <= len(s); i++ {
				if s[i:i+len(secret)] == secret {
					return s[:i] + "***" + s[i+len(secret):]
				}
			}
			return s
		}
		o.Hooks.Panicked = func(string, string) { panics.Add(1) }
		o.Hooks.Ended = func(_, _ string, kind schedule.Kind, _ time.Duration) {
			if kind == schedule.Unknown {
				failed.Add(1)
			}
		}
	})
	r.settled(e, hourly("acme/chats", "acme/owners", "acme/members"))
	r.due("acme/chats", "acme/owners", "acme/members")
	soon(t, "two fail, one does not", func() bool { return r.jobs("retryable") == 2 && r.jobs("completed") == 1 })
	require.EqualValues(t, 1, panics.Load())
	require.EqualValues(t, 2, failed.Load())
	errorsText := get[string](r, `select string_agg(errors::text, ' ') from river.river_job where errors is not null`)
	require.Contains(t, errorsText, "panic: index out of range")
	require.Contains(t, errorsText, "refused")
	all := errorsText + get[string](r, `select string_agg(error, ' ') from sync.schedule`)
	require.NotContains(t, all, secret)
	require.NotContains(t, all, "tok123")
	require.True(t, get[bool](r, `select bool_and(scheduled_at - attempted_at > '30 s') from river.river_job where state = 'retryable'`))
}

// A source whose credential is refused is paused as a whole, tried once in a
// while, and goes on when the vendor takes it again.
func TestRefusedCredentialPausesTheSource(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var refuse atomic.Bool
	refuse.Store(true)
	var calls atomic.Int64
	e := r.start(func(context.Context, schedule.Task) schedule.Verdict {
		calls.Add(1)
		if refuse.Load() {
			return schedule.Verdict{Kind: schedule.Auth, Err: errors.New("40001: invalid credential; check the secret")}
		}
		return schedule.Verdict{Kind: schedule.Done}
	}, func(o *schedule.Options) { o.Workers = 1 })
	r.settled(e, hourly("acme/chats", "acme/owners", "acme/members", "other/chats"))
	r.due("acme/chats", "acme/owners", "acme/members")
	soon(t, "all have ended", func() bool { return r.jobs("completed") == 3 })
	require.EqualValues(t, 1, calls.Load(), "one slice, and no call for the others")
	require.Equal(t, 1, get[int](r, `select count(*) from sync.source_health where paused_at is not null and error like '40001%'`))
	require.Equal(t, "auth", r.outcome("acme", "owners"))
	require.NoError(t, e.Dispatch(t.Context()))
	require.Zero(t, r.jobs("available")+r.jobs("running"))

	// One try after the pause, then one after each further one.
	for n := int64(2); n <= 3; n++ {
		r.advance(schedule.ProbeEvery + time.Second)
		soon(t, "it is tried", func() bool { return calls.Load() == n && r.jobs("completed") == int(n)+2 })
		require.NoError(t, e.Dispatch(t.Context()))
		require.Zero(t, r.jobs("available")+r.jobs("running"))
	}
	// A configuration that is applied is tried at once, and now it is right.
	refuse.Store(false)
	require.NoError(t, e.Apply(t.Context(), hourly("acme/chats", "acme/owners", "acme/members", "other/chats")))
	soon(t, "it goes on", func() bool { return r.jobs("completed") >= 6 })
	require.True(t, get[bool](r, `select paused_at is null and probe_at is null and error is null from sync.source_health where source = 'acme'`))
	r.advance(schedule.ProbeEvery)
	soon(t, "nothing is left due", func() bool {
		return get[int](r, `select count(*) from sync.schedule where next_run_at <= $1`, r.now()) == 0
	})
}

// The run that was refused is the one that is tried at once, also where no other
// is due.
func TestRefusedRunIsTriedWithTheNextConfiguration(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var refuse atomic.Bool
	refuse.Store(true)
	e := r.start(func(context.Context, schedule.Task) schedule.Verdict {
		if refuse.Load() {
			return schedule.Verdict{Kind: schedule.Auth, Err: errors.New("40001: invalid credential; check the secret")}
		}
		return schedule.Verdict{Kind: schedule.Done}
	})
	r.settled(e, hourly("acme/chats", "acme/owners"))
	r.due("acme/chats")
	soon(t, "it is refused", func() bool { return r.jobs("completed") == 1 })
	refuse.Store(false)
	require.NoError(t, e.Apply(t.Context(), hourly("acme/chats", "acme/owners")))
	soon(t, "it is tried and goes on", func() bool { return r.outcome("acme", "chats") == "done" })
	require.True(t, get[bool](r, `select paused_at is null from sync.source_health where source = 'acme'`))
	require.Empty(t, r.outcome("acme", "owners"), "it was not due")
}

// A stream that waits for the one that was refused asks the vendor nothing: that is
// no try.
func TestTryOfAPausedSourceIsHandedOn(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var refuse, read atomic.Bool
	refuse.Store(true)
	e := r.start(func(_ context.Context, task schedule.Task) schedule.Verdict {
		switch {
		case task.Stream == "owners" && refuse.Load():
			return schedule.Verdict{Kind: schedule.Auth, Err: errors.New("40001: invalid credential; check the secret")}
		case task.Stream == "owners":
			read.Store(true)
		case !read.Load():
			return schedule.Verdict{Kind: schedule.Blocked, Err: errors.New("it needs owners")}
		}
		return schedule.Verdict{Kind: schedule.Done}
	}, func(o *schedule.Options) { o.Workers = 1 })
	r.settled(e, hourly("acme/chats", "acme/members", "acme/owners"))
	r.due("acme/owners")
	soon(t, "it is refused", func() bool { return r.outcome("acme", "owners") == "auth" })
	r.due("acme/chats", "acme/members") // earlier than the one that was refused
	refuse.Store(false)
	r.advance(schedule.ProbeEvery + time.Second)
	soon(t, "the right one is tried", read.Load)
	soon(t, "all are done", func() bool {
		r.advance(time.Second)
		return get[int](r, `select count(*) from sync.schedule where outcome = 'done'`) == 3
	})
}

// An operator who raised a limit, or knows that the vendor is back, need not wait
// for what was told before: everything that waits goes on at once.
func TestWake(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var bad atomic.Bool
	bad.Store(true)
	kinds := map[string]schedule.Verdict{
		"budget/chats": {Kind: schedule.Later, At: r.now().Add(48 * time.Hour), Err: errors.New("the budget of the month is spent")},
		"down/chats":   {Kind: schedule.Transient, Err: errors.New("timeout")},
		"bug/chats":    {Kind: schedule.Unknown, Err: errors.New("odd")},
	}
	e := r.start(func(_ context.Context, task schedule.Task) schedule.Verdict {
		if v := kinds[task.Source+"/"+task.Stream]; bad.Load() {
			return v
		}
		return schedule.Verdict{Kind: schedule.Done}
	})
	list := hourly("budget/chats", "down/chats", "bug/chats", "down/owners")
	r.settled(e, list)
	r.due("budget/chats", "down/chats", "bug/chats")
	soon(t, "all wait", func() bool { return r.jobs("scheduled") == 2 && r.jobs("retryable") == 1 })
	r.due("down/owners") // left alone, for its source does not answer
	soon(t, "it waits, too", func() bool { return r.jobs("scheduled") == 3 })

	bad.Store(false)
	require.NoError(t, e.Apply(t.Context(), list))
	require.True(t, get[bool](r, `select state = 'scheduled' and scheduled_at > now() + interval '47 h'
		from river.river_job where args ->> 'source' = 'budget'`), "a process that starts knows nothing new")
	require.NoError(t, e.Wake(t.Context()))
	soon(t, "all go on", func() bool { return r.jobs("completed") == 4 })
	require.Zero(t, get[int](r, `select count(*) from sync.schedule where outcome <> 'done' or resume_at is not null`))
}

// A stream that its configuration makes impossible is halted until another one
// is applied.
func TestBadConfigurationHaltsTheStream(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var calls atomic.Int64
	e := r.start(func(context.Context, schedule.Task) schedule.Verdict {
		if calls.Add(1) == 1 {
			return schedule.Verdict{Kind: schedule.Config, Err: errors.New("query_dsl is refused; correct it")}
		}
		return schedule.Verdict{Kind: schedule.Done}
	})
	r.settled(e, hourly("acme/chats"))
	r.due("acme/chats")
	soon(t, "it is halted", func() bool { return r.jobs("cancelled") == 1 })
	require.Equal(t, "query_dsl is refused; correct it", get[string](r, `select error from sync.schedule where halted_at is not null`))
	r.advance(5 * time.Hour)
	require.NoError(t, e.Dispatch(t.Context()))
	require.EqualValues(t, 1, calls.Load())
	require.NoError(t, e.Apply(t.Context(), hourly("acme/chats")))
	soon(t, "it runs", func() bool { return r.jobs("completed") == 1 })
}
