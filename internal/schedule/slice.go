package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"time"

	"github.com/riverqueue/river"

	"syncd/internal/model"
)

const (
	// turnPause is the pause of a job whose source has enough slices in flight.
	turnPause = time.Second
	// noteMax is how long what is noted of a slice may take once its context is over
	// or the engine is to stop.
	noteMax = 3 * time.Second
)

// worker does the jobs of River.
type worker struct {
	river.WorkerDefaults[slice]
	engine *Engine
}

// NextRetry is at once for a job whose worker died.
func (*worker) NextRetry(job *river.Job[slice]) time.Time { return time.Now().Add(job.Args.pause) }

// Work does one slice of a stream, if it may.
func (w *worker) Work(ctx context.Context, job *river.Job[slice]) error {
	e, args := w.engine, job.Args
	give, ok := e.turns.take(args.Source)
	if !ok {
		e.opts.Hooks.Yielded(args.Source, args.Stream)
		return river.JobSnooze(turnPause)
	}
	defer give()
	if e.stops() {
		return river.JobSnooze(0)
	}
	st, err := e.store.Standing(ctx, args.Source, args.Stream, args.Mode)
	if err != nil {
		return e.postpone(ctx, args, err)
	}
	if goes, err := e.admit(ctx, args, st); !goes {
		return err
	}
	if err := e.store.Serve(ctx, args.Source, Queue); err != nil {
		return e.postpone(ctx, args, err)
	}
	began := e.opts.Now()
	verdict := e.slice(ctx, args)
	outcome := e.conclude(ctx, job, began, st, verdict)
	switch {
	case outcome.failed:
		job.Args.pause = outcome.snooze
		return verdict.Err
	case outcome.cancelled:
		return river.JobCancel(verdict.Err)
	case outcome.snoozed:
		return river.JobSnooze(outcome.snooze)
	default:
		return nil
	}
}

// admit says whether a slice may begin; if not, the error ends the job.
func (e *Engine) admit(ctx context.Context, args slice, st model.Standing) (goes bool, _ error) {
	switch now := e.opts.Now(); {
	case !st.Enabled:
		return false, river.JobCancel(errors.New("the configuration has no such stream any more"))
	case st.Halted:
		return false, nil // due again, once it is not
	case st.Paused && !args.Probe:
		return false, e.rest(ctx, args)
	case st.ResumeAt.After(now):
		e.opts.Hooks.Yielded(args.Source, args.Stream)
		return false, river.JobSnooze(st.ResumeAt.Sub(now))
	}
	return true, nil
}

// rest ends the job of a source that is paused; its run stays due until the
// vendor takes the credential again.
func (e *Engine) rest(ctx context.Context, args slice) error {
	now := e.opts.Now()
	err := e.store.NoteSlice(ctx, model.SliceNote{
		Source: args.Source, Stream: args.Stream, Mode: args.Mode, At: now, Outcome: string(Auth), DueAt: now,
		Error: "the source is paused",
	})
	if err != nil {
		return e.postpone(ctx, args, err)
	}
	return nil
}

// postpone puts a job back that the database does not let begin, and says why, for
// all that are put back together.
func (e *Engine) postpone(ctx context.Context, args slice, err error) error {
	const message = "the database does not let a slice begin; tried again in a moment"
	if ctx.Err() == nil && !e.said.again(message, time.Now()) {
		e.opts.Log.Warn().Str("source", args.Source).Str("stream", args.Stream).Str("error", e.scrub(err)).Msg(message)
	}
	return river.JobSnooze(outagePause)
}

// slice does the work. A panic, and an error that only follows from a context
// that is over, become verdicts.
func (e *Engine) slice(ctx context.Context, args slice) (v Verdict) {
	hooks, began := e.opts.Hooks, time.Now()
	hooks.Began(args.Source, args.Stream)
	defer func() {
		if p := recover(); p != nil {
			v = Verdict{Kind: Unknown, Err: fmt.Errorf("panic: %v", p)}
			hooks.Panicked(args.Source, args.Stream)
			e.opts.Log.Error().Str("source", args.Source).Str("stream", args.Stream).
				Str("stack", e.opts.scrub(string(debug.Stack()))).Msg("a slice panicked")
		}
		switch {
		case v.Err != nil && e.stops() && ctx.Err() != nil:
			v = Verdict{Kind: Stopped}
		case v.Err != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
			v = Verdict{Kind: Transient, Err: fmt.Errorf("not done after %s: %w", e.opts.bounds.slice, v.Err)}
		}
		if v = v.whole(); v.Err != nil {
			v.Err = errors.New(e.scrub(v.Err))
		}
		hooks.Ended(args.Source, args.Stream, v.Kind, time.Since(began))
	}()
	return e.work.Slice(ctx, Task{Source: args.Source, Stream: args.Stream, Mode: args.Mode, Stop: e.stopping})
}

// conclude notes how a slice ended and says what becomes of its job. Where the
// database does not take the note, the job goes on all the same.
func (e *Engine) conclude(ctx context.Context, job *river.Job[slice], began time.Time, st model.Standing, v Verdict) end {
	note, outcome := v.settle(st, e.opts.Now(), e.opts.ProbeEvery, chance())
	args := job.Args
	note.Source, note.Stream, note.Mode, note.Began = args.Source, args.Stream, args.Mode, began
	if note.HandOn { // whoever was refused since it was this one's turn has set the next try
		note.Began = args.EnqueuedAt
	}
	ctx, cancel := e.noting(ctx)
	defer cancel()
	err := e.store.NoteSlice(ctx, note)
	if err == nil && v.Kind == More && job.Priority == priorityFirst {
		err = e.store.Prioritize(ctx, nil, []int64{job.ID}, priorityMore)
	}
	log := e.opts.Log.With().Str("source", args.Source).Str("stream", args.Stream).Logger()
	if err != nil {
		log.Warn().Str("error", e.scrub(err)).Msg("the end of a slice could not be noted")
	}
	switch v.Kind {
	case Auth:
		log.Error().Err(v.Err).Time("probe_at", note.ProbeAt.UTC()).Msg("the source is paused: the vendor refuses its credential")
	case Config:
		log.Error().Err(v.Err).Msg("the stream is halted until the configuration changes")
	case Transient:
		log.Warn().Err(v.Err).Time("resume_at", note.ResumeAt.UTC()).Msg("the vendor does not answer properly")
	case Outage:
		log.Warn().Err(v.Err).Msg("a slice ends early")
	case Done, More, Later, Busy, Blocked, Stopped, Absent:
	default:
		log.Error().Str("error", note.Error).Time("resume_at", note.ResumeAt.UTC()).Msg("a slice failed")
	}
	return outcome
}

// noting is the context in which the end of a slice is noted. It outlives the slice's
// own, and a stop, by noteMax: a database that is slow is waited for like in the slice,
// as a pause that is not noted would be none.
func (e *Engine) noting(ctx context.Context) (context.Context, context.CancelFunc) {
	note, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-ctx.Done():
		case <-e.stopping:
		case <-note.Done():
			return
		}
		end := time.AfterFunc(e.opts.bounds.note, cancel)
		<-note.Done()
		end.Stop()
	}()
	return note, cancel
}

// stops reports whether the engine is to stop.
func (e *Engine) stops() bool {
	select {
	case <-e.stopping:
		return true
	default:
		return false
	}
}

func (e *Engine) scrub(err error) string { return e.opts.scrub(err.Error()) }

func (o *Options) scrub(text string) string { return scrubbed(text, o.Scrub) }
