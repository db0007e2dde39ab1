package sweep

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

const (
	// A failed item waits failPause, doubled with every failure, at most
	// failPauseMax.
	failPause    = time.Minute
	failPauseMax = 6 * time.Hour
	// lastTriesMax is how often the last read of a record that was followed is tried:
	// three days with these pauses.
	lastTriesMax = 20
)

// readDetails reads the items that are due, batch by batch. It reports whether
// any of them is left.
func (p *pursuit) readDetails(ctx context.Context, h handOut) (more bool, err error) {
	if p.total == 0 {
		if p.total, err = p.runner.store.CountDue(ctx, p.pass); err != nil {
			return false, err
		}
	}
	for !h.over() {
		due, err := p.runner.store.DueItems(ctx, p.pass, itemsPerBatch)
		if err != nil {
			return false, err
		}
		if len(due) == 0 {
			return false, nil
		}
		err = p.flow(ctx, h, func(ctx context.Context, send func(model.Step) error) error {
			return p.readBatch(ctx, h, due, send)
		})
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// readBatch reads the items at most Concurrency at a time.
func (p *pursuit) readBatch(ctx context.Context, h handOut, due []model.Item, send func(model.Step) error) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, p.spec.Concurrency))
	for _, item := range due {
		if h.over() || ended(ctx) {
			break
		}
		h.begin()
		g.Go(func() error { return p.readItem(ctx, h, item, send) })
	}
	return g.Wait()
}

// readItem reads one item. What the vendor says against this one record is
// noted at the record; what it says against all of them ends the run.
func (p *pursuit) readItem(ctx context.Context, h handOut, item model.Item, send func(model.Step) error) error {
	if err := p.awaitDue(h, item); err != nil {
		return nil //nolint:nilerr // the run is over; the item stays due
	}
	chain := model.Chain{
		Source: p.lease.Source, Stream: p.lease.Stream, Subject: item.Subject, Params: p.spec.Params, BornAt: item.BornAt,
	}
	if item.Params != nil {
		chain.Params = item.Params
	}
	if follow := p.spec.Follow; follow != nil && follow.Over(item.BornAt, p.runner.opts.Now()) {
		return send(p.lateStep(chain))
	}
	page, err := p.pages(ctx, chain)
	p.mu.Lock()
	if fetch.ClassOf(err) == fetch.ClassTransient {
		p.deaf++
	} else {
		p.deaf = 0
	}
	deaf := p.deaf
	p.mu.Unlock()
	if err == nil {
		return send(p.readStep(chain, page))
	}
	if ended(ctx) {
		return nil // cut off by the end of the run; the item stays due
	}
	bad, ok := errors.AsType[*fetch.Error](err)
	err = fmt.Errorf("read %s: %w", item.Subject, err)
	switch {
	case !ok:
		return err
	case bad.Class == fetch.ClassAuth, bad.Class == fetch.ClassThrottled,
		bad.Class == fetch.ClassTransient && deaf >= deafMax:
		p.trouble(h, p.stopsRun(err))
		return nil
	}
	step := p.failedStep(chain, item, bad)
	step.Calls = page.Calls
	return send(step)
}

// awaitDue waits for an item whose second read must not come too early. A due
// time further away than the pause was written by a clock that was ahead.
func (p *pursuit) awaitDue(h handOut, item model.Item) error {
	wait := min(item.DueAt.Sub(p.runner.opts.Now()), p.runner.opts.DoubtPause)
	if !item.Doubtful || wait <= 0 {
		return nil
	}
	return p.runner.pause(h.quota, wait, p.stop)
}

const (
	// codeFollowed is why a record is not read any more that was followed to its end.
	codeFollowed = "followed to the end"
	// codeLate is why one is not whose last read would have come too late.
	codeLate = "too old to be read"
)

// lateStep gives a record up without a call.
func (p *pursuit) lateStep(chain model.Chain) model.Step {
	now := p.inPass(p.runner.opts.Now())
	return model.Step{Chain: chain, Item: &model.ItemMove{
		FailedCode: codeLate, Refused: true, At: now, DueAt: now.Add(failPauseMax), Closed: codeLate,
	}}
}

// readStep is a good read: due again when it will be too old, or has changed.
func (p *pursuit) readStep(chain model.Chain, page model.Page) model.Step {
	move := &model.ItemMove{DoubtDueAt: page.ReceivedAt.Add(p.runner.opts.DoubtPause)}
	at := p.inPass(page.RequestedAt)
	switch {
	case p.spec.Follow != nil:
		var last bool
		if move.DueAt, last = p.spec.Follow.Next(chain.BornAt, at); last {
			move.Closed = codeFollowed
		}
		// By its first page: who reads between two of them may be on neither.
		if len(page.MessageReads) > 0 && page.MessageReads[0].Over != "" {
			move.Closed = page.MessageReads[0].Over
		}
	case p.spec.MaxAge > 0:
		move.DueAt = at.Add(p.spec.MaxAge)
	}
	return model.Step{Chain: chain, Page: &page, Item: move}
}

// failedStep is a read that failed for the sake of this one record.
func (p *pursuit) failedStep(chain model.Chain, item model.Item, bad *fetch.Error) model.Step {
	now := p.inPass(p.runner.opts.Now())
	gone := bad.Class == fetch.ClassGone
	code := bad.Code
	if code == "" {
		code = bad.Class.String()
	}
	move := &model.ItemMove{
		FailedCode: code, Refused: gone || bad.Class == fetch.ClassDenied, Gone: gone, At: now,
		DueAt: now.Add(failureBackoff(item.Failures)), NotReady: bad.Class == fetch.ClassNotReady,
	}
	if p.spec.MaxAge > 0 {
		move.SettledDueAt = now.Add(p.spec.MaxAge)
	}
	if follow := p.spec.Follow; follow != nil {
		due, last := follow.Next(item.BornAt, now)
		if gone || last && (answers(bad.Class) || item.Failures+1 >= lastTriesMax) {
			move.Closed = code
		} else if move.NotReady {
			move.DueAt = due
		}
	} else if gone && p.spec.MaxAge == 0 {
		move.DueAt = time.Time{}
	}
	return model.Step{Chain: chain, Item: move}
}

// answers reports whether an error is what the vendor says about the record. Any
// other one may be over the next time.
func answers(c fetch.Class) bool {
	return c == fetch.ClassGone || c == fetch.ClassDenied || c == fetch.ClassNotReady
}

// inPass returns t, or the first instant after the pass began where a clock has
// gone back before that: an item that is due by the start of the pass would be
// read again and again.
func (p *pursuit) inPass(t time.Time) time.Time {
	if first := p.pass.StartedAt.Add(time.Microsecond); t.Before(first) {
		return first
	}
	return t
}

// failureBackoff is how long an item waits that has failed so often before.
func failureBackoff(failures int) time.Duration {
	d := failPause
	for range failures {
		if d >= failPauseMax {
			break
		}
		d *= 2
	}
	return min(d, failPauseMax)
}
