// Package schedule decides when streams run and who runs them: cron expressions
// become jobs of River, and a job is one slice of a pass.
//
// sync.schedule holds when each stream is due next. Every process looks at it
// once a second; whoever finds a run that is due locks its row, enqueues the job
// and sets the next time in one transaction, so that a run is enqueued once,
// however many processes there are and however long none was there. Jobs are
// unique while they are active, per source and stream. One that has more to do
// snoozes: its row holds no state, the checkpoint says where to go on.
//
// Workers are shared by turns: the queue is ordered by when a source was served
// last, a source holds at most half of the workers of a process, and one that
// fails is left alone for a while as a whole. The first slice of a run goes before
// the further slices of others, so that what is new (yesterday's statistics, the
// latest chats) does not wait for what is long (a backfill).
//
// A worker that dies is noticed by River, which gives its job to another one; the
// lease that every commit checks (internal/store) keeps a slow original from
// committing beside it.
//
// The package knows nothing of what a slice does: that is [Work]. It writes no
// fact and keeps no secret.
package schedule

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// Work does the slices. Calls overlap, but never for the same source and stream
// in one process.
type Work interface {
	// Slice works on one stream for a bounded time, about 20 s, and says how it
	// ended. It ends soon after [Task.Stop] closes, with the page in hand
	// committed, and at once with ctx, which has a deadline of [SliceMax]. A panic
	// is a verdict like any other: [Unknown].
	Slice(ctx context.Context, task Task) Verdict
}

// Task is one slice to be done.
type Task struct {
	Source, Stream string
	// Mode is that of the schedule: "" or "full".
	Mode string
	// Stop closes when the process is to stop.
	Stop <-chan struct{}
}

// Store is what the engine needs from the database; internal/store documents its
// methods.
type Store interface {
	ApplySchedules(ctx context.Context, list []model.Timetable, first []time.Time, now time.Time) error
	Wake(ctx context.Context, queue string, now time.Time) error
	Dispatch(ctx context.Context, now, probeAt time.Time, limit int,
		enqueue func(context.Context, pgx.Tx, []model.DueRun) ([]model.Advance, error)) (int, error)
	Prioritize(ctx context.Context, tx pgx.Tx, jobs []int64, priority int) error
	Queue(ctx context.Context, tx pgx.Tx, jobs []int64, sources []string) error
	Standing(ctx context.Context, source, stream, mode string) (model.Standing, error)
	Serve(ctx context.Context, source, queue string) error
	NoteSlice(ctx context.Context, note model.SliceNote) error
	QueueDepth(ctx context.Context, queue string, now time.Time) (model.QueueDepth, error)
}
