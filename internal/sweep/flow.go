package sweep

import (
	"context"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/sync/semaphore"

	"syncd/internal/model"
)

// A commit takes what is ready, up to these bounds. It costs the database some
// milliseconds however little is in it, and a vendor's pace is rather one page at a
// time: so the committer waits for more, ten times as long as the commit before
// took, which leaves a tenth of the time to commits.
const (
	stepsPerCommitMax = 64
	rowsPerCommitMax  = 4000
	gatherFactor      = 10
	gatherMax         = 100 * time.Millisecond
)

// flow runs work, which sends steps, beside the committer, and returns when both
// are done. The context of work ends with its requests; steps that were sent are
// committed all the same.
func (p *pursuit) flow(ctx context.Context, h handOut,
	work func(ctx context.Context, send func(model.Step) error) error,
) error {
	q := newQueue()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(q.steps)
		requests, cancel := context.WithCancel(ctx)
		defer cancel()
		defer context.AfterFunc(h.requests, cancel)()
		return work(requests, func(step model.Step) error { return q.put(ctx, step) })
	})
	g.Go(func() error {
		var patience time.Duration
		for {
			group := q.gather(patience)
			if len(group) == 0 {
				return nil
			}
			began := time.Now()
			if err := p.commit(ctx, group); err != nil {
				return err
			}
			patience = min(gatherFactor*time.Since(began), gatherMax)
		}
	})
	return g.Wait()
}

// queue holds what is fetched and not yet in a commit: as much as the next commit
// may take, which the committer fills its time with while the one before runs.
type queue struct {
	steps chan model.Step
	room  *semaphore.Weighted // in rows
}

func newQueue() *queue {
	return &queue{steps: make(chan model.Step, stepsPerCommitMax), room: semaphore.NewWeighted(rowsPerCommitMax)}
}

// put adds a step, once there is room for it.
func (q *queue) put(ctx context.Context, step model.Step) error {
	if q.room.Acquire(ctx, weight(step)) != nil {
		return context.Cause(ctx)
	}
	select {
	case q.steps <- step:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// gather takes the steps of one commit, and waits for more for as long as patience
// says, counted from the first. None at all says that the queue is closed.
func (q *queue) gather(patience time.Duration) []model.Step {
	step, ok := <-q.steps
	if !ok {
		return nil
	}
	var group []model.Step
	var rows int64
	late := time.NewTimer(patience)
	defer late.Stop()
	for ok {
		q.room.Release(weight(step))
		group = append(group, step)
		rows += weight(step)
		if len(group) == stepsPerCommitMax || rows >= rowsPerCommitMax {
			break
		}
		step, ok = q.next(late.C)
	}
	return group
}

// next takes the next step, if there is one before it is too late.
func (q *queue) next(late <-chan time.Time) (step model.Step, ok bool) {
	select {
	case step, ok = <-q.steps:
		return step, ok
	default: // what is ready is never too late
	}
	select {
	case step, ok = <-q.steps:
	case <-late:
	}
	return step, ok
}

// weight is the rows of a step, at least one and at most what there is room for.
func weight(s model.Step) int64 {
	if s.Page == nil {
		return 1
	}
	return min(max(int64(s.Page.Rows()), 1), rowsPerCommitMax)
}
