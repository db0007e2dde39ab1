package schedule

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/rs/zerolog"

	"syncd/internal/model"
)

const (
	// SliceMax is how long a slice may take: the 20 s of its work, the requests in
	// flight then, and the last commit.
	SliceMax = 30 * time.Second
	// rescueAfter is how old a running job must be to be taken for a dead worker's.
	// River looks every 30 s, a new leader takes 15 s to be found, and 5 s pass
	// until the job is fetched: together less than 90 s.
	rescueAfter = 35 * time.Second
	// stopMax is how long a stop may take. River's wait for jobs is the larger part
	// of it, after which their contexts end.
	stopMax     = 7500 * time.Millisecond
	softStopMax = 6 * time.Second
	// killMax is how long the second signal still waits for jobs to notice.
	killMax = time.Second
	// tick is the pause between two looks for runs that are due.
	tick = time.Second
	// pollJobs is the pause between two looks for jobs, also without LISTEN.
	pollJobs = 250 * time.Millisecond
	// fetchPause is the least pause between two fetches of jobs.
	fetchPause = 10 * time.Millisecond
	// doneKept is how long jobs that went well are kept.
	doneKept = 10 * time.Minute
	// ProbeEvery is the usual pause between two tries of a paused source.
	ProbeEvery = 15 * time.Minute
)

// bounds are how long slices and stops may take. Tests of what happens within them
// have longer ones, as a busy machine may need.
type bounds struct{ slice, note, rescue, softStop, stop, kill time.Duration }

// usual are the bounds outside of tests.
var usual = bounds{
	slice: SliceMax, note: noteMax, rescue: rescueAfter, softStop: softStopMax, stop: stopMax, kill: killMax,
}

// Queue is the name of River's queue.
const Queue = "slices"

// Options of an [Engine].
type Options struct {
	// Workers is how many slices run at once in this process, at least 1.
	Workers int
	// Schema is where River's tables are.
	Schema string
	// PollOnly does without LISTEN, which poolers of transactions do not pass on.
	PollOnly bool
	// ProbeEvery is the pause between two tries of a paused source. Default
	// [ProbeEvery].
	ProbeEvery time.Duration
	// Now is the clock of schedules and pauses. Default [time.Now].
	Now func() time.Time
	// Scrub masks the secrets that it knows in a text. May be nil.
	Scrub func(string) string
	// Log is where trouble is told.
	Log zerolog.Logger
	// Hooks are told what happens.
	Hooks Hooks

	// hurry makes River start without its random pauses, for tests.
	hurry bool
	// bounds are the usual ones where they are zero.
	bounds bounds
}

// Hooks are told what happens in this process. Each may be nil; calls overlap
// and must be quick.
type Hooks struct {
	// Dispatched is a run for which a job was enqueued, lag after it was due.
	Dispatched func(source, stream, mode string, lag time.Duration)
	// Began is a slice that begins.
	Began func(source, stream string)
	// Ended is a slice that ended. Transient and Unknown ones are repeated.
	Ended func(source, stream string, kind Kind, took time.Duration)
	// Yielded is a job that was fetched and put back without a slice, because its
	// source has enough of them in flight or is left alone for a while.
	Yielded func(source, stream string)
	// Panicked is a slice that ended in a panic, beside its Ended.
	Panicked func(source, stream string)
}

func (h Hooks) withDefaults() Hooks {
	if h.Dispatched == nil {
		h.Dispatched = func(string, string, string, time.Duration) {}
	}
	if h.Began == nil {
		h.Began = func(string, string) {}
	}
	if h.Ended == nil {
		h.Ended = func(string, string, Kind, time.Duration) {}
	}
	if h.Yielded == nil {
		h.Yielded = func(string, string) {}
	}
	if h.Panicked == nil {
		h.Panicked = func(string, string) {}
	}
	return h
}

// Engine runs the schedules of one process. Any number of processes may have one
// on the same database; they share the work, and must have the same configuration.
type Engine struct {
	store  Store
	work   Work
	opts   Options
	turns  *turns
	client *river.Client[pgx.Tx]
	said   *said
	// stopping closes when slices are to end.
	stopping chan struct{}
}

// New returns an engine on a pool whose database has the current schema. Nothing
// runs before [Engine.Run].
func New(pool *pgxpool.Pool, store Store, work Work, opts Options) (*Engine, error) {
	if opts.ProbeEvery == 0 {
		opts.ProbeEvery = ProbeEvery
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.bounds == (bounds{}) {
		opts.bounds = usual
	}
	opts.Workers = max(opts.Workers, 1)
	opts.Hooks = opts.Hooks.withDefaults()
	e := &Engine{store: store, work: work, opts: opts, turns: newTurns(opts.Workers), said: newSaid(), stopping: make(chan struct{})}
	workers := river.NewWorkers()
	if err := river.AddWorkerSafely(workers, &worker{engine: e}); err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	var err error
	e.client, err = river.NewClient(riverpgxv5.New(pool), &river.Config{
		Schema:                      opts.Schema,
		Queues:                      map[string]river.QueueConfig{Queue: {MaxWorkers: opts.Workers}},
		Workers:                     workers,
		PollOnly:                    opts.PollOnly,
		FetchPollInterval:           pollJobs,
		FetchCooldown:               fetchPause,
		JobTimeout:                  opts.bounds.slice,
		RescueStuckJobsAfter:        opts.bounds.rescue,
		SoftStopTimeout:             opts.bounds.softStop,
		CompletedJobRetentionPeriod: doneKept,
		// A slice that outlives its context must not take its worker with it.
		JobStuckHandler: func(context.Context, river.JobStuckHandlerParams) river.JobStuckHandlerResult {
			return river.JobStuckHandlerResult{AddWorkerSlot: true}
		},
		Logger:   slog.New(&calm{Handler: zerolog.NewSlogHandler(opts.Log), said: e.said}),
		TestOnly: opts.hurry,
	})
	if err != nil {
		return nil, fmt.Errorf("river: %w", err)
	}
	return e, nil
}

// Run works until stop closes and the slices in flight have ended, which takes
// less than 10 s. Once ctx is over it returns within about a second; what was in
// flight is then done again by somebody else. It is called once. The database
// going away is no reason to return.
func (e *Engine) Run(ctx context.Context, stop <-chan struct{}) error {
	background := context.WithoutCancel(ctx)
	if err := e.client.Start(background); err != nil {
		return fmt.Errorf("start workers: %w", err)
	}
	ticks, endTicks := context.WithCancel(ctx)
	ticked := make(chan struct{})
	go func() {
		defer close(ticked)
		e.tickUntil(ticks)
	}()
	select {
	case <-stop:
	case <-ctx.Done():
	}
	close(e.stopping)
	endTicks()
	err := e.stop(ctx)
	<-ticked
	return err
}

// stop ends the workers, gently until ctx is over.
func (e *Engine) stop(ctx context.Context) error {
	gentle, cancel := context.WithTimeout(ctx, e.opts.bounds.stop)
	defer cancel()
	err := e.client.Stop(gentle)
	if err == nil {
		return nil
	}
	hard, cancel := context.WithTimeout(context.WithoutCancel(ctx), e.opts.bounds.kill)
	defer cancel()
	if err := e.client.StopAndCancel(hard); err != nil {
		return fmt.Errorf("stop workers: some slices did not end, and are done again later: %w", err)
	}
	return nil
}

// Apply makes the schedules those of the entries, without touching what runs:
// new ones run at once, a changed one at its new time, and those that are gone
// no more. Streams that were halted run again, and paused sources are tried at
// once. An expression that cannot be read changes nothing and is an error.
func (e *Engine) Apply(ctx context.Context, entries []Entry) error {
	now := e.opts.Now()
	list, first := make([]model.Timetable, len(entries)), make([]time.Time, len(entries))
	for i, entry := range entries {
		var err error
		if list[i], first[i], err = entry.timetable(now); err != nil {
			return err
		}
	}
	return e.store.ApplySchedules(ctx, list, first, now)
}

// Wake lets everything that waits go on at once, whatever it waits for: a person
// says that it is worth a try. What has to wait still is told so again.
func (e *Engine) Wake(ctx context.Context) error { return e.store.Wake(ctx, Queue, e.opts.Now()) }

// Depth counts the jobs of all processes.
func (e *Engine) Depth(ctx context.Context) (model.QueueDepth, error) {
	return e.store.QueueDepth(ctx, Queue, e.opts.Now())
}

// chance is a random number in [0, 1).
func chance() float64 { return rand.Float64() } //nolint:gosec // spreads pauses, guards nothing
