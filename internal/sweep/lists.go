package sweep

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// followLists follows the open chains of a list pass. It reports whether any of
// them is left.
func (p *pursuit) followLists(ctx context.Context, h handOut) (more bool, err error) {
	open, err := p.runner.store.Checkpoints(ctx, p.pass)
	if err != nil {
		return false, err
	}
	done := make([]bool, len(open))
	p.split.Store(false)
	err = p.flow(ctx, h, func(ctx context.Context, send func(model.Step) error) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, p.spec.Concurrency))
		for i, cp := range open {
			t := &trail{p: p, h: h, chain: cp.Chain, cp: cp, watch: p.watches.at(cp), send: send}
			t.chain.Params = p.spec.ParamsOf(cp.Chain)
			g.Go(func() (err error) {
				done[i], err = t.follow(ctx)
				return err
			})
		}
		return g.Wait()
	})
	return p.split.Load() || slices.Contains(done, false), err
}

// trail is one chain being followed from its checkpoint.
type trail struct {
	p     *pursuit
	h     handOut
	chain model.Chain
	cp    model.Checkpoint
	watch *rot
	send  func(model.Step) error
	// done says that the chain is closed.
	done bool
}

// follow carries the chain towards the vendor's last page and reports whether it
// got there. Pages go to the committer in order, each with the checkpoint after
// it, while the next one is being fetched.
func (t *trail) follow(ctx context.Context) (bool, error) {
	if !t.cp.Usable(t.chain.Params, t.p.spec.CursorTTL, t.p.runner.opts.Now()) {
		if err := t.anew(errCursorAged, 0); err != nil {
			return false, err
		}
	}
	for t.cp.Pages < pagesMax {
		if t.h.over() || ended(ctx) {
			return false, nil
		}
		t.h.begin()
		page, err := t.p.runner.source.Page(ctx, t.chain, t.cp.Cursor)
		if err != nil {
			err = t.failed(ctx, err, page.Calls)
		} else {
			err = t.take(page)
		}
		if err != nil || t.done {
			return t.done, err
		}
	}
	t.p.trouble(t.h, ending{
		outcome: model.OutcomeFailed, over: true,
		reason: fmt.Errorf("chain %s has more than %d pages", t.chain.Subject, pagesMax),
	})
	return false, nil
}

// take hands a page to the committer and moves on, or starts over where the page
// leads nowhere.
func (t *trail) take(page model.Page) error {
	asked := t.cp.Cursor
	if t.cp.Resumes > 0 {
		page.Total = nil // of what is left, not of the chain
	}
	to := next(t.cp, page)
	page.Shifted = page.Shifted || to.Gapped()
	step := model.Step{
		Chain: t.chain, Page: &page, From: t.cp.Version, To: to, Closed: page.Last,
		Lane: t.p.spec.LaneOf(t.chain.Subject), Mark: t.p.spec.MarkOf(to), Disordered: page.Last && t.p.spec.Disordered(to),
	}
	if err := t.send(step); err != nil {
		return err
	}
	t.cp, t.done = step.To, page.Last
	t.watch.version = t.cp.Version
	if wrong := t.watch.seen(asked, page); wrong != "" {
		return t.anew(fmt.Errorf("cursor rot: %s", wrong), 0)
	}
	return nil
}

// failed decides what a page that could not be fetched means for the chain. The
// error it returns is ours, not the vendor's.
func (t *trail) failed(ctx context.Context, err error, calls int) error {
	if ended(ctx) {
		return nil // cut off by the end of the run
	}
	cause := fmt.Errorf("fetch page %d of %s: %w", t.cp.Pages+1, t.chain.Subject, err)
	switch {
	case !isVendors(err):
		return cause
	case fetch.ClassOf(err) == fetch.ClassCursorGone && !t.cp.AtHead():
		return t.anew(err, calls)
	case fetch.ClassOf(err) == fetch.ClassOutside && t.cp.AtHead() && !t.chain.Bounds.After.IsZero():
		if t.isLatest() {
			t.p.trouble(t.h, ending{
				outcome: model.OutcomeFailed, reason: cause, over: true, resumeAt: t.p.runner.opts.Now().Add(aheadPause),
			})
			return nil
		}
		bad, _ := errors.AsType[*fetch.Error](err)
		return t.breakUp(model.Step{Calls: calls, Outside: bad.Code})
	case t.cp.AtHead():
		parts, ok, err := t.parts(ctx, err)
		if err != nil {
			return err // the chain stays as it is
		}
		if ok {
			parts.Calls = calls
			return t.breakUp(parts)
		}
	}
	t.p.trouble(t.h, t.p.stopsRun(cause))
	return nil
}

// aheadPause is how long a stream rests whose vendor refuses the time up to now.
const aheadPause = time.Hour

// isLatest reports whether the chain ends where its pass does. A vendor that refuses
// that time does not say that it lists it no more: rather our clock is ahead, and
// what is created meanwhile must not count as held.
func (t *trail) isLatest() bool {
	end := t.p.spec.Bounds.Until(t.p.pass.StartedAt)
	return end.Sub(t.chain.Bounds.Until) < time.Second // a stored time is rounded
}

// parts says what takes the place of a chain whose head the vendor refuses: the
// owner batches where it was too large, the halves of a batch of owners, and for
// a single owner only the note that this is the culprit. Not ok means that the
// refusal has nothing to do with owners.
func (t *trail) parts(ctx context.Context, cause error) (parts model.Step, ok bool, err error) {
	bad, isVendors := errors.AsType[*fetch.Error](cause)
	forOwners, owners := t.p.spec.ForOwners, t.chain.Owners
	if !isVendors || forOwners == nil {
		return parts, false, nil
	}
	switch {
	case bad.Class == fetch.ClassTooLarge && owners == nil && t.p.spec.Roster:
		if t.chain.Subject != t.p.spec.Subjects[0].Name {
			break // a part of what the owner batches list
		}
		batches, err := t.p.runner.store.Roster(ctx, t.p.pass, t.p.runner.opts.Now())
		if err != nil {
			return parts, false, err
		}
		if len(batches) == 0 {
			return parts, false, nil
		}
		for _, batch := range batches {
			parts.Split = append(parts.Split, model.Subject{
				Name: fmt.Sprintf("owners/%d", batch.Number), Owners: batch.Owners, Params: forOwners(batch.Owners),
			})
		}
	case len(owners) > 1 && refusesOwners(bad.Class):
		half := len(owners) / 2
		for i, ids := range [][]string{owners[:half], owners[half:]} {
			name := fmt.Sprintf("%s.%d", t.chain.Subject, i)
			parts.Split = append(parts.Split, model.Subject{Name: name, Owners: ids, Params: forOwners(ids)})
		}
	case len(owners) == 1 && refusesOwners(bad.Class):
		now := t.p.runner.opts.Now()
		parts.Culprit = &model.Culprit{OwnerID: owners[0], Code: bad.Code, At: now, DueAt: now.Add(culpritPause)}
	default:
		return parts, false, nil
	}
	return parts, true, nil
}

// culpritPause is how long an owner whom the vendor refused is left out.
const culpritPause = 24 * time.Hour

func refusesOwners(c fetch.Class) bool {
	return c == fetch.ClassRefused || c == fetch.ClassDenied || c == fetch.ClassGone || c == fetch.ClassTooLarge
}

// breakUp closes the chain in favour of its parts, which the next slice follows.
func (t *trail) breakUp(step model.Step) error {
	step.Chain, step.From, step.Closed = t.chain, t.cp.Version, true
	step.To.UpdatedAt = t.p.runner.opts.Now()
	t.done = true
	if len(step.Split) > 0 {
		t.p.split.Store(true)
	}
	return t.send(step)
}

// anew goes on without the cursor: from the watermark of the chain where it has
// one that leads further than where it stands, and otherwise from its head.
func (t *trail) anew(why error, calls int) error {
	if t.done || !t.p.spec.Ascends(t.cp) || !t.cp.SameParams(t.chain.Params) {
		return t.startOver(why, calls)
	}
	from := t.cp.Version
	t.cp = resumed(t.cp, t.p.runner.opts.Now())
	t.chain.Bounds = t.cp.Chain.Bounds
	*t.watch = rot{version: t.cp.Version}
	return t.send(model.Step{Chain: t.chain, Calls: calls, From: from, To: t.cp, Resumed: true})
}

// startOver puts the chain back to its head, within bounds.
func (t *trail) startOver(why error, calls int) error {
	if t.cp.Restarts >= restartsMax {
		t.p.trouble(t.h, ending{
			outcome: model.OutcomeFailed, over: true,
			reason: fmt.Errorf("chain %s started over %d times: %w", t.chain.Subject, t.cp.Restarts, why),
		})
		return nil
	}
	from := t.cp.Version
	t.cp = restarted(t.cp, t.chain, t.p.runner.opts.Now())
	*t.watch = rot{version: t.cp.Version}
	return t.send(model.Step{Chain: t.chain, Calls: calls, From: from, To: t.cp})
}

var errCursorAged = fmt.Errorf("its cursor is too old, or was born with other params")
