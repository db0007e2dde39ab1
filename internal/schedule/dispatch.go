package schedule

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/riverqueue/river"
	"github.com/riverqueue/river/rivertype"

	"syncd/internal/model"
)

const (
	// dispatchMax is how many runs one transaction enqueues.
	dispatchMax = 1000
	// dispatchTimeout bounds a look for due runs: the next one is a second away.
	dispatchTimeout = 30 * time.Second
	// attemptsMax is how often a job may fail, or lose its worker, before it is
	// given up; the next run of its schedule begins another one.
	attemptsMax = 25
	// unreadPause is when a run is looked at again whose schedule this process
	// cannot read: a newer one may have stored it.
	unreadPause = time.Hour
)

// Priorities of River. The first slice of a run reads what is new.
const (
	priorityFirst = 1
	priorityMore  = 2
)

// slice is a job of River: one slice, and by snoozing the next one.
type slice struct {
	Source string `json:"source" river:"unique"`
	Stream string `json:"stream" river:"unique"`
	Mode   string `json:"mode"`
	// Probe says that the source was paused when the job was enqueued, which is to
	// run all the same.
	Probe bool `json:"probe,omitempty"`
	// EnqueuedAt is when the job was enqueued.
	EnqueuedAt time.Time `json:"enqueued_at,omitzero"`

	// pause is that before the next attempt, known to the worker that failed. A
	// job whose worker died has none.
	pause time.Duration
}

// Kind names the jobs in river_job.kind.
func (slice) Kind() string { return "slice" }

// InsertOpts makes a job unique while it is active.
func (slice) InsertOpts() river.InsertOpts {
	return river.InsertOpts{
		Queue: Queue, Priority: priorityFirst, MaxAttempts: attemptsMax,
		UniqueOpts: river.UniqueOpts{ByArgs: true, ByState: []rivertype.JobState{
			// Not the default, which has "completed" among them: a run would be
			// skipped as long as the job of the one before is kept.
			rivertype.JobStateAvailable, rivertype.JobStatePending, rivertype.JobStateRunning,
			rivertype.JobStateRetryable, rivertype.JobStateScheduled,
		}},
	}
}

// tickUntil enqueues what is due, again and again until ctx is over.
func (e *Engine) tickUntil(ctx context.Context) {
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	for failing := false; ; {
		err := e.dispatchSoon(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !failing:
			e.opts.Log.Error().Str("error", e.scrub(err)).Msg("runs that are due are not enqueued; tried again every second")
		case err == nil && failing:
			e.opts.Log.Info().Msg("runs that are due are enqueued again")
		}
		failing = err != nil
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
	}
}

func (e *Engine) dispatchSoon(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, dispatchTimeout)
	defer cancel()
	return e.Dispatch(ctx)
}

// Dispatch enqueues the runs that are due and that no other process is enqueuing.
// [Engine.Run] does so every second.
func (e *Engine) Dispatch(ctx context.Context) error {
	for {
		now := e.opts.Now()
		moved := 0
		var began []model.DueRun
		found, err := e.store.Dispatch(ctx, now, now.Add(e.opts.ProbeEvery), dispatchMax,
			func(ctx context.Context, tx pgx.Tx, due []model.DueRun) ([]model.Advance, error) {
				moves, err := e.enqueue(ctx, tx, due, now)
				moved, began = len(moves), ran(due, moves)
				return moves, err
			})
		if err != nil {
			return fmt.Errorf("enqueue what is due: %w", err)
		}
		for _, d := range began {
			e.opts.Hooks.Dispatched(d.Source, d.Stream, d.Mode, now.Sub(d.NextRunAt))
		}
		if found < dispatchMax || moved == 0 {
			return nil
		}
	}
}

// enqueue inserts the jobs of runs in one statement and says when they are due
// next. A run whose stream is at work already is part of that, unless it is to
// do more: that one stays due.
func (e *Engine) enqueue(ctx context.Context, tx pgx.Tx, due []model.DueRun, now time.Time) ([]model.Advance, error) {
	var jobs []river.InsertManyParams
	for _, d := range one(due) {
		jobs = append(jobs, river.InsertManyParams{
			Args: slice{Source: d.Source, Stream: d.Stream, Mode: d.Mode, Probe: d.Probe, EnqueuedAt: now},
		})
	}
	if len(jobs) == 0 {
		return nil, nil
	}
	results, err := e.client.InsertManyTx(ctx, tx, jobs)
	if err != nil {
		return nil, fmt.Errorf("insert jobs: %w", err)
	}
	active := map[[2]string]activeJob{}
	var late, added []int64
	var sources []string
	for _, r := range results {
		var args slice
		if err := json.Unmarshal(r.Job.EncodedArgs, &args); err != nil {
			return nil, fmt.Errorf("read args of job %d: %w", r.Job.ID, err)
		}
		active[[2]string{args.Source, args.Stream}] = activeJob{mode: args.Mode, isNew: !r.UniqueSkippedAsDuplicate}
		if !r.UniqueSkippedAsDuplicate {
			added, sources = append(added, r.Job.ID), append(sources, args.Source)
		} else if r.Job.Priority > priorityFirst {
			late = append(late, r.Job.ID)
		}
	}
	if err := e.store.Queue(ctx, tx, added, sources); err != nil {
		return nil, err
	}
	// What waits to go on with an earlier run has new things to read now.
	if len(late) > 0 {
		if err := e.store.Prioritize(ctx, tx, late, priorityFirst); err != nil {
			return nil, err
		}
	}
	var moves []model.Advance
	for _, d := range due {
		job := active[[2]string{d.Source, d.Stream}]
		if job.mode != d.Mode && d.Mode != "" {
			continue
		}
		moves = append(moves, model.Advance{
			Source: d.Source, Stream: d.Stream, Mode: d.Mode, NextRunAt: e.next(d, now), Ran: job.isNew && job.mode == d.Mode,
		})
	}
	return moves, nil
}

// activeJob is the job that a stream has.
type activeJob struct {
	mode  string
	isNew bool
}

// one leaves one run of each stream, rather one with a mode: it does more.
func one(due []model.DueRun) []model.DueRun {
	var kept []model.DueRun
	at := map[[2]string]int{}
	for _, d := range due {
		key := [2]string{d.Source, d.Stream}
		i, twice := at[key]
		switch {
		case !twice:
			at[key] = len(kept)
			kept = append(kept, d)
		case kept[i].Mode == "":
			kept[i] = d
		}
	}
	return kept
}

// ran are the runs for which a job was enqueued.
func ran(due []model.DueRun, moves []model.Advance) []model.DueRun {
	var kept []model.DueRun
	for _, m := range moves {
		for _, d := range due {
			if m.Ran && d.Source == m.Source && d.Stream == m.Stream && d.Mode == m.Mode {
				kept = append(kept, d)
			}
		}
	}
	return kept
}

// next is when a run is due again.
func (e *Engine) next(d model.DueRun, now time.Time) time.Time {
	next, err := nextOf(d.Timetable, now)
	if err != nil {
		e.opts.Log.Error().Str("source", d.Source).Str("stream", d.Stream).Str("schedule", d.Expression).Err(err).
			Msg("a stored schedule cannot be read; looked at again in an hour")
		return now.Add(unreadPause)
	}
	return next
}
