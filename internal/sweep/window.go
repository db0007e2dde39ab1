package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

const (
	// refusalPause is how long days are left alone that the vendor refused.
	refusalPause = 24 * time.Hour
	// statPagesMax ends a statistics call that no other rule ends.
	statPagesMax = 100
	// codeUnreadable stands in sync.coverage for days whose row was set aside.
	codeUnreadable = "unreadable"
)

// window is one round of a window stream: the calls that fill the gaps of now.
type window struct {
	p    *pursuit
	h    handOut
	send func(model.Step) error

	mu       sync.Mutex
	troubled map[string]bool // owners whom the vendor refused in this round
}

// fillWindow plans the calls that fill the gaps and makes them, until the slice
// is over or nothing is wanted. What is wanted is asked anew each time: days come
// in at midnight and go out.
func (p *pursuit) fillWindow(ctx context.Context, h handOut) (more bool, err error) {
	w := p.spec.Window.At(p.runner.opts.Now())
	gaps, err := p.runner.store.Gaps(ctx, p.pass, w)
	if err != nil || len(gaps) == 0 {
		return false, err
	}
	calls := shape(gaps, w, p.spec.Window.SpanMax)
	if p.total == 0 {
		p.total = int64(len(calls))
	}
	before := p.pass.Counts.Calls
	err = p.flow(ctx, h, func(ctx context.Context, send func(model.Step) error) error {
		round := &window{p: p, h: h, send: send, troubled: map[string]bool{}}
		return round.make(ctx, calls)
	})
	if err == nil && !h.over() && p.pass.Counts.Calls == before {
		return false, fmt.Errorf("%d gaps are wanted and no call filled any", len(gaps))
	}
	return true, err
}

// shape turns gaps into calls. The one day beyond the vendor's sure reach is
// asked for alone, so that its refusal says nothing about the others; it expires
// first and comes right after the newest.
func shape(gaps []model.Gap, w model.Window, span int) []model.StatCall {
	var sure, beyond []gap
	for _, g := range gaps {
		var in, out []int
		for _, s := range g.Spans {
			for d := s.From; d.Compare(s.To) <= 0; d = d.Add(1) {
				if n := d.Sub(w.Sure); n < 0 {
					out = append(out, n)
				} else {
					in = append(in, n)
				}
			}
		}
		if len(in) > 0 {
			sure = append(sure, gap{g.Subject, in})
		}
		if len(out) > 0 {
			beyond = append(beyond, gap{g.Subject, out})
		}
	}
	bounds := callBounds{owners: model.OwnerBatchMax, span: span}
	newest := w.Newest.Sub(w.Sure)
	plan := planCalls(sure, newest, bounds)
	at := 0
	for at < len(plan) && plan[at].last >= newest {
		at++
	}
	single := planCalls(beyond, -1, callBounds{owners: model.OwnerBatchMax, span: 1})
	calls := make([]model.StatCall, 0, len(plan)+len(single))
	for _, part := range [][]planned{plan[:at], single, plan[at:]} {
		for _, c := range part {
			call := model.StatCall{By: model.StatByDay, Owners: c.owners, From: w.Sure.Add(c.first), To: w.Sure.Add(c.last)}
			if c.byOwner {
				call.By = model.StatByOwner
			}
			calls = append(calls, call)
		}
	}
	return calls
}

// make makes the calls in order, at most Concurrency at a time.
func (r *window) make(ctx context.Context, calls []model.StatCall) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, r.p.spec.Concurrency))
	for _, call := range calls {
		if r.h.over() || ended(ctx) {
			break
		}
		g.Go(func() error { return r.ask(ctx, call) })
	}
	return g.Wait()
}

// ask makes one call. What the vendor refuses is asked for in parts, until the
// owner or the day that is refused stands alone; that one is noted, and does not
// keep the others.
func (r *window) ask(ctx context.Context, call model.StatCall) error {
	call, ok := r.clip(call)
	if !ok || ended(ctx) {
		return nil
	}
	chain := model.Chain{
		Source: r.p.lease.Source, Stream: r.p.lease.Stream,
		Subject: string(call.By) + "/" + call.From.String(), Params: model.StatParams(call),
	}
	today := r.p.spec.Window.At(r.p.runner.opts.Now()).Today
	page, err := r.pages(ctx, chain)
	switch {
	case err == nil:
		return r.send(model.Step{Chain: chain, Page: &page, Window: outcomes(call, page, today, r.p.runner.opts.Now())})
	case ended(ctx):
		return nil
	case !isVendors(err):
		return fmt.Errorf("ask for %s: %w", chain.Subject, err)
	}
	bad, _ := errors.AsType[*fetch.Error](err)
	switch {
	case bad.Class == fetch.ClassOutside:
		return r.narrow(ctx, call, chain, bad.Code)
	case refusesOwners(bad.Class):
		return r.single(ctx, call, chain, bad.Code)
	}
	r.p.trouble(r.h, r.p.stopsRun(fmt.Errorf("ask for %s: %w", chain.Subject, err)))
	return nil
}

// clip cuts a call to what the vendor offers at this moment, which may be a day
// later than when it was planned, and leaves out owners who were refused since.
func (r *window) clip(call model.StatCall) (model.StatCall, bool) {
	now := r.p.spec.Window.At(r.p.runner.opts.Now())
	oldest := now.Sure
	if call.Days() == 1 {
		oldest = now.Sure.Add(-1)
	}
	if call.From.Compare(oldest) < 0 {
		call.From = oldest
	}
	if call.To.Compare(now.Newest) > 0 {
		call.To = now.Newest
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.troubled) > 0 {
		var owners []string
		for _, id := range call.Owners {
			if !r.troubled[id] {
				owners = append(owners, id)
			}
		}
		call.Owners = owners
	}
	return call, len(call.Owners) > 0 && call.Days() > 0
}

// pages follows a call to its last page and puts the pages together: days count
// as read only when all of them are in.
func (r *window) pages(ctx context.Context, chain model.Chain) (model.Page, error) {
	var whole model.Page
	cursor := ""
	for range statPagesMax {
		page, err := r.p.runner.source.Page(ctx, chain, cursor)
		if err != nil {
			return whole, err
		}
		if whole.RequestedAt.IsZero() {
			whole.RequestedAt = page.RequestedAt
		}
		whole.ReceivedAt, whole.Total = page.ReceivedAt, page.Total
		whole.OwnerStats = append(whole.OwnerStats, page.OwnerStats...)
		whole.DayStats = append(whole.DayStats, page.DayStats...)
		whole.PeriodStats = append(whole.PeriodStats, page.PeriodStats...)
		whole.Rejects = append(whole.Rejects, page.Rejects...)
		whole.Calls += page.Calls
		if page.Last {
			whole.Last = true
			return whole, nil
		}
		cursor = page.Next
	}
	return whole, fmt.Errorf("more than %d pages", statPagesMax)
}

// narrow deals with a range that reaches beyond what the vendor keeps: halves of
// it, down to the day that is outside.
func (r *window) narrow(ctx context.Context, call model.StatCall, chain model.Chain, code string) error {
	if n := call.Days(); n > 1 {
		early, late := call, call
		early.To = call.From.Add(n/2 - 1)
		late.From = call.From.Add(n / 2)
		return errors.Join(r.ask(ctx, late), r.ask(ctx, early))
	}
	return r.refuse(call, chain, model.Span{From: call.From, To: call.To}, code)
}

// single deals with a batch that is refused: halves of it, down to the owner for
// whose sake it is. All days of that owner are left alone for a while.
func (r *window) single(ctx context.Context, call model.StatCall, chain model.Chain, code string) error {
	if n := len(call.Owners); n > 1 {
		left, right := call, call
		left.Owners, right.Owners = call.Owners[:n/2], call.Owners[n/2:]
		return errors.Join(r.ask(ctx, left), r.ask(ctx, right))
	}
	r.mu.Lock()
	r.troubled[call.Owners[0]] = true
	r.mu.Unlock()
	w := r.p.spec.Window.At(r.p.runner.opts.Now())
	return r.refuse(call, chain, model.Span{From: w.Oldest, To: w.Newest}, code)
}

func (r *window) refuse(call model.StatCall, chain model.Chain, days model.Span, code string) error {
	now := r.p.runner.opts.Now()
	step := model.Step{Chain: chain}
	for _, id := range call.Owners {
		step.Window = append(step.Window, model.WindowMove{
			Subject: id, Days: days, RefusedCode: code, RetryAt: now.Add(refusalPause),
		})
	}
	return r.send(step)
}

// outcomes says of every owner and day of the call what the answer makes of it:
// read, with figures or without, unless a row that was set aside may have been
// that one.
func outcomes(call model.StatCall, page model.Page, today model.Day, now time.Time) []model.WindowMove {
	type cell struct {
		owner string
		day   model.Day
	}
	told := map[cell]bool{}
	for _, s := range page.OwnerStats {
		told[cell{s.OwnerID, s.Day}] = true
	}
	aside := map[string]bool{}
	unsure := page.Total != nil && *page.Total > int64(len(page.OwnerStats)+len(page.Rejects))
	for _, r := range page.Rejects {
		aside[r.ID] = true
		unsure = unsure || r.ID == ""
	}
	var moves []model.WindowMove
	for _, owner := range call.Owners {
		for day := call.From; day.Compare(call.To) <= 0; day = day.Add(1) {
			m := model.WindowMove{Subject: owner, Days: model.Span{From: day, To: day}, Today: today}
			if !told[cell{owner, day}] && (unsure || aside[owner] || aside[day.String()]) {
				m.RefusedCode, m.RetryAt = codeUnreadable, now.Add(refusalPause)
			}
			if n := len(moves); n > 0 && joins(moves[n-1], m) {
				moves[n-1].Days.To = day
				continue
			}
			moves = append(moves, m)
		}
	}
	return moves
}

// joins reports whether b goes on where a ends.
func joins(a, b model.WindowMove) bool {
	return a.Subject == b.Subject && a.RefusedCode == b.RefusedCode && a.Days.To.Add(1) == b.Days.From
}
