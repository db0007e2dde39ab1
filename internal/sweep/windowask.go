package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

const (
	// refusalPause is how long days are left alone that the vendor refused: less
	// than a day, so that a pass that runs once a day finds them due the next time.
	refusalPause = 20 * time.Hour
	// codeUnreadable stands in sync.coverage for days whose row was set aside.
	codeUnreadable = "unreadable"
)

// ask makes one call. What the vendor refuses is asked for in parts, until the
// owner or the day that is refused stands alone; that one is noted, and does not
// keep the others.
func (r *window) ask(ctx context.Context, j job) error {
	j, ok := r.clip(j)
	if !ok || ended(ctx) {
		return nil
	}
	if len(j.Owners) == 0 {
		return r.refuse(j, model.WindowMove{Days: j.days, RefusedCode: model.CodeNoOwner})
	}
	today := r.p.spec.Window.At(r.p.runner.opts.Now()).Today
	page, err := r.p.pages(ctx, r.chain(j))
	switch {
	case err == nil:
		return r.send(model.Step{
			Chain: r.chain(j), Page: &page, Window: outcomes(j, page, today, r.p.runner.opts.Now()),
			Totals: j.totals(), Batch: j.number, OwnersAsked: len(j.Owners),
		})
	case ended(ctx):
		return nil
	case !isVendors(err):
		return fmt.Errorf("ask for %s: %w", r.chain(j).Subject, err)
	}
	bad, _ := errors.AsType[*fetch.Error](err)
	if err := r.made(j, page.Calls); err != nil {
		return err
	}
	switch {
	case bad.Class == fetch.ClassOutside:
		return r.narrow(ctx, j, bad.Code)
	case !refusesOwners(bad.Class):
		r.p.trouble(r.h, r.p.stopsRun(fmt.Errorf("ask for %s: %w", r.chain(j).Subject, err)))
		return nil
	case j.batch != "":
		return r.without(ctx, j, bad.Code)
	default:
		return r.halve(ctx, j, bad.Code)
	}
}

// made counts requests whose answers are not kept. What the vendor refuses is asked
// for in parts, and those tell what became of it.
func (r *window) made(j job, calls int) error {
	if calls == 0 {
		return nil
	}
	return r.send(model.Step{Chain: r.chain(j), Calls: calls, Window: []model.WindowMove{}})
}

// chain is what is asked for. Of a batch it names the owners: those that the vendor
// takes are no culprits any more.
func (r *window) chain(j job) model.Chain {
	c := model.Chain{
		Source: r.p.lease.Source, Stream: r.p.lease.Stream,
		Subject: string(j.By) + "/" + j.From.String(), Params: model.StatParams(j.StatCall),
	}
	if j.batch != "" {
		c.Owners = j.Owners
	}
	return c
}

// clip cuts a call to what the vendor offers at this moment, which may be a day
// later than when it was planned, and leaves out owners who were refused since.
// Not ok means that nothing is left to ask.
func (r *window) clip(j job) (job, bool) {
	now := r.p.spec.Window.At(r.p.runner.opts.Now())
	oldest := now.Sure
	if j.days.From == j.days.To {
		oldest = now.Sure.Add(-1)
	}
	if j.days.From.Compare(oldest) < 0 {
		j.days.From = oldest
	}
	if j.days.To.Compare(now.Newest) > 0 {
		j.days.To = now.Newest
	}
	if j.days.From.Compare(j.days.To) > 0 {
		return j, false
	}
	if r.p.spec.Window.Periods == nil {
		j.From, j.To = j.days.From, j.days.To
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	before := len(j.Owners)
	if len(r.troubled) > 0 {
		j.Owners = slices.DeleteFunc(slices.Clone(j.Owners), func(id string) bool { return r.troubled[id] })
	}
	return j, len(j.Owners) > 0 || before == 0 || j.batch != ""
}

// narrow deals with a range that reaches beyond what the vendor keeps: halves of
// it, down to the day that is outside.
func (r *window) narrow(ctx context.Context, j job, code string) error {
	n := j.days.To.Sub(j.days.From) + 1
	if n == 1 {
		return r.refuse(j, model.WindowMove{Days: j.days, RefusedCode: code, Outside: true})
	}
	early, late := j, j
	early.days.To = j.days.From.Add(n/2 - 1)
	late.days.From = j.days.From.Add(n / 2)
	return errors.Join(r.ask(ctx, late), r.ask(ctx, early))
}

// halve deals with owners that are refused together: halves of them, down to the
// owner for whose sake it is. All days of that owner are left alone for a while.
func (r *window) halve(ctx context.Context, j job, code string) error {
	if n := len(j.Owners); n > 1 {
		left, right := j, j
		left.Owners, right.Owners = j.Owners[:n/2], j.Owners[n/2:]
		return errors.Join(r.ask(ctx, left), r.ask(ctx, right))
	}
	r.leaveOut(j.Owners[0])
	w := r.p.spec.Window.At(r.p.runner.opts.Now())
	return r.refuse(j, model.WindowMove{Days: model.Span{From: w.Oldest, To: w.Newest}, RefusedCode: code})
}

func (r *window) leaveOut(owner string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.troubled[owner] = true
}

// without deals with a batch that is refused as a whole: it finds who is to blame
// by asking for parts of it, notes them, and asks for the batch without them.
func (r *window) without(ctx context.Context, j job, code string) error {
	culprits, err := r.culprits(ctx, j, j.Owners, code)
	if bad, ok := errors.AsType[*fetch.Error](err); ok {
		return r.narrow(ctx, j, bad.Code)
	}
	if err != nil || ended(ctx) || r.h.over() {
		return err
	}
	if len(culprits) == 0 {
		return r.refuse(j, model.WindowMove{Days: j.days, RefusedCode: code}) // taken in parts, and never as a whole
	}
	now := r.p.runner.opts.Now()
	for owner, code := range culprits {
		r.leaveOut(owner)
		err := r.send(model.Step{
			Chain: r.chain(j), Window: []model.WindowMove{},
			Culprit: &model.Culprit{OwnerID: owner, Code: code, At: now, DueAt: now.Add(refusalPause)},
		})
		if err != nil {
			return err
		}
	}
	return r.ask(ctx, j)
}

// culprits finds the owners for whose sake a batch is refused. An error of the
// vendor is that the days have left its window meanwhile.
func (r *window) culprits(ctx context.Context, j job, owners []string, code string) (map[string]string, error) {
	if len(owners) == 1 {
		return map[string]string{owners[0]: code}, nil
	}
	found := map[string]string{}
	for _, half := range [][]string{owners[:len(owners)/2], owners[len(owners)/2:]} {
		if ended(ctx) || r.h.over() {
			return nil, nil
		}
		j.Owners = half
		page, err := r.p.pages(ctx, r.chain(j))
		if err := r.made(j, page.Calls); err != nil {
			return nil, err
		}
		bad, isVendors := errors.AsType[*fetch.Error](err)
		switch {
		case err == nil:
			continue
		case ended(ctx):
			return nil, nil
		case !isVendors || bad.Class == fetch.ClassOutside:
			return nil, err
		case !refusesOwners(bad.Class):
			r.p.trouble(r.h, r.p.stopsRun(err))
			return nil, nil
		}
		more, err := r.culprits(ctx, j, half, bad.Code)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, more)
	}
	return found, nil
}

// refuse notes days of the job's subjects as refused; how says which, and why.
func (r *window) refuse(j job, how model.WindowMove) error {
	how.At = r.p.runner.opts.Now()
	how.Today, how.RetryAt = r.p.spec.Window.At(how.At).Today, how.At.Add(refusalPause)
	step := model.Step{Chain: r.chain(j), Totals: j.totals(), Batch: j.number}
	for _, subject := range j.subjects() {
		how.Subject = subject
		step.Window = append(step.Window, how)
	}
	return r.send(step)
}

// totals reports whether the job asks for totals of days, which add up.
func (j job) totals() bool { return j.batch != "" && j.By == model.StatByDay }

// subjects are whose days the job fills.
func (j job) subjects() []string {
	if j.batch != "" {
		return []string{j.batch}
	}
	return j.Owners
}
