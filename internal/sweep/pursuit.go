package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

const (
	// itemsPerBatch is how many due items are looked up at once: each time all
	// items of the stream are scanned, and fetching stands still.
	itemsPerBatch = 10_000
	// deafMax is how many items in a row may fail as transient before the vendor
	// is taken to be down.
	deafMax = 5
)

// pursuit is one run of a pass, slice by slice.
type pursuit struct {
	runner *Runner
	spec   model.StreamSpec
	lease  model.Lease
	// pass is as it was opened; the committer adds to counts beside it.
	pass   model.Pass
	counts model.Counts
	stop   <-chan struct{}

	total, done int64 // items, for progress

	// split says that chains were opened which this slice does not follow.
	split atomic.Bool

	watches watches // of the chains of a list

	wanted []model.Gap // before the latest round of a window stream that made every call

	mu   sync.Mutex
	end  *ending // the first trouble that ends the run
	deaf int     // transient failures in a row
}

// ending is why a run ends before the pass is complete.
type ending struct {
	outcome  model.Outcome
	reason   error
	resumeAt time.Time
	// over says that the pass cannot be resumed: the next run opens another.
	over bool
}

// stands is the pass as it stands now.
func (p *pursuit) stands() model.Pass {
	pass := p.pass
	pass.Counts = p.counts
	return pass
}

// slice works until the pass or the time of the slice is over. It returns nil
// when there is more to do.
func (p *pursuit) slice(ctx context.Context) (*Result, error) {
	handOut, cancel := p.bounds(ctx)
	defer cancel(nil)
	var more bool
	var err error
	switch p.spec.Shape {
	case model.ShapeList:
		if more, err = p.followLists(ctx, handOut); !more && err == nil && p.end == nil {
			var done bool
			done, err = p.recount(ctx, handOut)
			more = !done
		}
	case model.ShapeDetail:
		more, err = p.readDetails(ctx, handOut)
	case model.ShapeWindow:
		more, err = p.fillWindow(ctx, handOut)
	default:
		return nil, fmt.Errorf("stream %s: unknown shape %q", p.spec.Name, p.spec.Shape)
	}
	switch {
	case err != nil:
		return nil, err
	case p.end != nil:
		return p.leave(ctx)
	case !more:
		return p.finish(ctx)
	case p.asked():
		return p.leave(ctx)
	}
	return nil, nil //nolint:nilnil // more to do is an ordinary answer
}

// bounds returns the work that may still be handed out: its contexts end with
// the slice, with the first trouble, and when the caller asks to stop.
func (p *pursuit) bounds(ctx context.Context) (handOut, context.CancelCauseFunc) {
	quota, cancel := context.WithCancelCause(ctx)
	requests, abort := context.WithCancel(ctx)
	h := handOut{quota: quota, requests: requests, cancel: cancel, time: &sliceTime{}}
	if p.asked() {
		cancel(ErrStopped)
	}
	timer := time.AfterFunc(p.runner.opts.SliceMax, func() {
		if h.time.passed() {
			cancel(ErrStopped)
		}
	})
	var grace *time.Timer
	done := make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-p.stop:
			cancel(ErrStopped)
			grace = time.AfterFunc(p.runner.opts.StopGrace, abort)
		case <-quota.Done():
		}
	}()
	return h, func(cause error) {
		cancel(cause)
		timer.Stop()
		<-done
		if grace != nil {
			grace.Stop()
		}
		abort()
	}
}

// handOut says whether new work may begin, and bounds the requests of work that
// has begun.
type handOut struct {
	quota, requests context.Context
	cancel          context.CancelCauseFunc
	time            *sliceTime
}

func (h handOut) over() bool { return ended(h.quota) }

// begin says that a piece of work is handed out.
func (h handOut) begin() {
	if h.time.begun() {
		h.cancel(ErrStopped)
	}
}

// sliceTime is over once it has passed and something was handed out. So a slice gets
// further, however long the database took to tell what there is to do.
type sliceTime struct {
	mu            sync.Mutex
	isPast, began bool
}

// passed notes that the time has passed, and reports whether it is over.
func (s *sliceTime) passed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.isPast = true
	return s.began
}

// begun notes that something is handed out, and reports whether the time is over.
func (s *sliceTime) begun() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.began = true
	return s.isPast
}

func ended(ctx context.Context) bool { return ctx.Err() != nil }

// asked reports whether the caller wants the run to stop.
func (p *pursuit) asked() bool {
	select {
	case <-p.stop:
		return true
	default:
		return false
	}
}

// trouble notes why the run ends; the first one counts.
func (p *pursuit) trouble(h handOut, e ending) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end == nil {
		p.end = &e
	}
	h.cancel(ErrStopped)
}

// leave marks the pass with the reason for which it does not go on. A pass that
// cannot be resumed is closed.
func (p *pursuit) leave(ctx context.Context) (*Result, error) {
	end := p.end
	if end == nil {
		end = &ending{outcome: model.OutcomePartial}
	}
	res := &Result{
		Outcome: end.outcome, Reason: end.reason, ResumeAt: end.resumeAt,
		Stopped: end.reason == nil,
	}
	reason := "stopped on request"
	if end.reason != nil {
		reason = end.reason.Error()
	}
	if end.over {
		_, err := p.close(ctx, end.outcome, reason)
		return res, err
	}
	return res, p.runner.store.MarkPass(ctx, p.lease, p.pass, end.outcome, reason, end.resumeAt)
}

// finish closes a pass that has nothing left to do.
func (p *pursuit) finish(ctx context.Context) (*Result, error) {
	res := &Result{Outcome: model.OutcomeComplete}
	var reason string
	var n int64
	if p.counts.ItemsFailed > 0 { // by now or in an earlier run
		var err error
		if n, err = p.runner.store.CountUnread(ctx, p.pass); err != nil {
			return nil, err
		}
	}
	if n > 0 {
		res.Outcome = model.OutcomePartial
		res.Reason = fmt.Errorf("%d items could not be read; each is due again after a pause, see sync.item", n)
		reason = res.Reason.Error()
	}
	closing, err := p.close(ctx, res.Outcome, reason)
	if err != nil {
		return nil, err
	}
	res.Closing = closing
	return res, nil
}

func (p *pursuit) close(ctx context.Context, outcome model.Outcome, reason string) (model.Closing, error) {
	return p.runner.store.ClosePass(ctx, p.lease, p.pass, p.spec, model.Ending{
		Outcome: outcome, Reason: reason, At: p.runner.opts.Now(), Breaker: p.runner.opts.Breaker,
	})
}

func (p *pursuit) commit(ctx context.Context, group []model.Step) error {
	results, counts, err := p.runner.store.Commit(ctx, p.lease, p.pass, group)
	if err != nil {
		return err
	}
	p.counts.Add(counts)
	for i, step := range group {
		if step.Item != nil && !results[i].Held || len(step.Window) > 0 {
			p.done++
		}
	}
	p.runner.opts.Progress(Progress{
		Source: p.lease.Source, Stream: p.lease.Stream, Counts: p.counts, Added: counts, Done: p.done, Total: p.total,
	})
	return nil
}

// stopsRun says how a run ends on a vendor error that is not about one record.
func (p *pursuit) stopsRun(err error) ending {
	switch fetch.ClassOf(err) {
	case fetch.ClassTransient:
		return ending{outcome: model.OutcomePartial, reason: err}
	case fetch.ClassThrottled:
		e := ending{outcome: model.OutcomePartial, reason: err}
		if bad, ok := errors.AsType[*fetch.Error](err); ok && bad.RetryAfter > 0 {
			e.resumeAt = p.runner.opts.Now().Add(bad.RetryAfter)
		}
		return e
	default:
		return ending{outcome: model.OutcomeFailed, reason: err}
	}
}

// isVendors reports whether err is about the vendor's answer and not about us.
func isVendors(err error) bool {
	_, ok := errors.AsType[*fetch.Error](err)
	return ok
}
