package sweep

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
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
	// codeNoOwner stands there for a batch of which nobody can be asked for.
	codeNoOwner = "no owner"
)

// window is one round of a window stream: the calls that fill the gaps of now.
type window struct {
	p       *pursuit
	h       handOut
	send    func(model.Step) error
	batches map[int][]string // owners by batch; nil where subjects are owners

	mu       sync.Mutex
	troubled map[string]bool // owners whom the vendor refused in this round
}

// job is one call and the days of its subjects that it fills.
type job struct {
	model.StatCall
	// days are those of coverage: the days of the call, or for a period its last.
	days model.Span
	// batch is the subject where subjects are batches, number its number.
	batch  string
	number int
}

// fillWindow plans the calls that fill the gaps and makes them, until the slice
// is over or nothing is wanted. What is wanted is asked anew each time: days come
// in at midnight and go out.
func (p *pursuit) fillWindow(ctx context.Context, h handOut) (more bool, err error) {
	now := p.runner.opts.Now()
	w := p.spec.Window.At(now)
	gaps, err := p.runner.store.Gaps(ctx, p.pass, w)
	if err != nil || len(gaps) == 0 {
		return false, err
	}
	round := &window{p: p, h: h, troubled: map[string]bool{}}
	if p.spec.Window.Subjects == model.SubjectBatches {
		if err := round.roster(ctx, now); err != nil {
			return false, err
		}
	}
	jobs, err := round.jobs(gaps, w)
	if err != nil {
		return false, err
	}
	if p.total == 0 {
		p.total = int64(len(jobs))
	}
	before := p.done
	err = p.flow(ctx, h, func(ctx context.Context, send func(model.Step) error) error {
		round.send = send
		return round.make(ctx, jobs)
	})
	if err == nil && !h.over() && p.done == before {
		return false, fmt.Errorf("%d gaps are wanted and no call filled any", len(gaps))
	}
	return true, err
}

// roster reads which owners the batches have.
func (r *window) roster(ctx context.Context, now time.Time) error {
	list, err := r.p.runner.store.Roster(ctx, r.p.pass, now)
	if err != nil {
		return err
	}
	r.batches = make(map[int][]string, len(list))
	for _, b := range list {
		r.batches[b.Number] = append(r.batches[b.Number], b.Owners...)
	}
	return nil
}

// jobs turns gaps into calls. The one day beyond the vendor's sure reach is asked
// for alone, so that its refusal says nothing about the others; it expires first
// and comes right after the newest.
func (r *window) jobs(gaps []model.Gap, w model.Window) ([]job, error) {
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
	newest := w.Newest.Sub(w.Sure)
	plan := r.plan(sure, newest, r.p.spec.Window.SpanMax)
	at := 0
	for at < len(plan) && plan[at].last >= newest {
		at++
	}
	single := r.plan(beyond, -1, 1)
	jobs := make([]job, 0, len(plan)+len(single))
	for _, part := range [][]planned{plan[:at], single, plan[at:]} {
		for _, c := range part {
			j, err := r.job(c, w)
			if err != nil {
				return nil, err
			}
			jobs = append(jobs, j)
		}
	}
	return jobs, nil
}

// plan shapes gaps into calls: of owners by the planner, of batches in spans.
func (r *window) plan(gaps []gap, newest, span int) []planned {
	if r.batches == nil {
		return planCalls(gaps, newest, callBounds{owners: model.OwnerBatchMax, span: span})
	}
	if r.p.spec.Window.Periods != nil {
		span = 1 // every day is the end of a call of its own
	}
	var calls []planned
	for _, u := range spansByGap(gaps, span)[0] {
		calls = append(calls, planned{owners: []string{u.owner}, first: u.days[0], last: u.days[len(u.days)-1]})
	}
	return inOrder(calls, newest)
}

// job makes a planned call into what is sent.
func (r *window) job(c planned, w model.Window) (job, error) {
	j := job{days: model.Span{From: w.Sure.Add(c.first), To: w.Sure.Add(c.last)}}
	j.StatCall = model.StatCall{By: model.StatByDay, Owners: c.owners, From: j.days.From, To: j.days.To}
	if c.byOwner {
		j.By = model.StatByOwner
	}
	if r.batches == nil {
		return j, nil
	}
	j.batch = c.owners[0]
	number, period, hasPeriod := strings.Cut(j.batch, "/")
	var err error
	if j.number, err = strconv.Atoi(number); err != nil {
		return j, fmt.Errorf("sync.coverage has subject %q, which is no batch; delete the row", j.batch)
	}
	j.Owners = r.batches[j.number]
	if hasPeriod {
		days, err := strconv.Atoi(period)
		if err != nil {
			return j, fmt.Errorf("sync.coverage has subject %q, which is no batch and period; delete the row", j.batch)
		}
		j.By, j.From = model.StatByOwner, j.days.To.Add(1-days)
	}
	return j, nil
}

// make makes the calls in order, at most Concurrency at a time.
func (r *window) make(ctx context.Context, jobs []job) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(max(1, r.p.spec.Concurrency))
	for _, j := range jobs {
		if r.h.over() || ended(ctx) {
			break
		}
		g.Go(func() error { return r.ask(ctx, j) })
	}
	return g.Wait()
}

// ask makes one call. What the vendor refuses is asked for in parts, until the
// owner or the day that is refused stands alone; that one is noted, and does not
// keep the others.
func (r *window) ask(ctx context.Context, j job) error {
	j, ok := r.clip(j)
	if !ok || ended(ctx) {
		return nil
	}
	if len(j.Owners) == 0 {
		return r.refuse(j, j.days, codeNoOwner, 0)
	}
	today := r.p.spec.Window.At(r.p.runner.opts.Now()).Today
	page, err := r.pages(ctx, r.chain(j))
	switch {
	case err == nil:
		step := model.Step{Chain: r.chain(j), Page: &page, Window: outcomes(j, page, today, r.p.runner.opts.Now())}
		if j.batch != "" && j.By == model.StatByDay {
			step.Batch, step.OwnersAsked = j.number, len(j.Owners)
		}
		return r.send(step)
	case ended(ctx):
		return nil
	case !isVendors(err):
		return fmt.Errorf("ask for %s: %w", r.chain(j).Subject, err)
	}
	bad, _ := errors.AsType[*fetch.Error](err)
	switch {
	case bad.Class == fetch.ClassOutside:
		return r.narrow(ctx, j, bad.Code, page.Calls)
	case !refusesOwners(bad.Class):
		r.p.trouble(r.h, r.p.stopsRun(fmt.Errorf("ask for %s: %w", r.chain(j).Subject, err)))
		return nil
	case j.batch != "":
		return r.without(ctx, j, bad.Code)
	default:
		return r.halve(ctx, j, bad.Code, page.Calls)
	}
}

func (r *window) chain(j job) model.Chain {
	return model.Chain{
		Source: r.p.lease.Source, Stream: r.p.lease.Stream,
		Subject: string(j.By) + "/" + j.From.String(), Params: model.StatParams(j.StatCall),
	}
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

// pages follows a call to its last page and puts the pages together: days count
// as read only when all of them are in.
func (r *window) pages(ctx context.Context, chain model.Chain) (model.Page, error) {
	var whole model.Page
	cursor := ""
	for range statPagesMax {
		page, err := r.p.runner.source.Page(ctx, chain, cursor)
		whole.Calls += page.Calls
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
func (r *window) narrow(ctx context.Context, j job, code string, calls int) error {
	n := j.days.To.Sub(j.days.From) + 1
	if n == 1 {
		return r.refuse(j, j.days, code, calls)
	}
	early, late := j, j
	early.days.To = j.days.From.Add(n/2 - 1)
	late.days.From = j.days.From.Add(n / 2)
	return errors.Join(r.ask(ctx, late), r.ask(ctx, early))
}

// halve deals with owners that are refused together: halves of them, down to the
// owner for whose sake it is. All days of that owner are left alone for a while.
func (r *window) halve(ctx context.Context, j job, code string, calls int) error {
	if n := len(j.Owners); n > 1 {
		left, right := j, j
		left.Owners, right.Owners = j.Owners[:n/2], j.Owners[n/2:]
		return errors.Join(r.ask(ctx, left), r.ask(ctx, right))
	}
	r.leaveOut(j.Owners[0])
	w := r.p.spec.Window.At(r.p.runner.opts.Now())
	return r.refuse(j, model.Span{From: w.Oldest, To: w.Newest}, code, calls)
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
	if err != nil || ended(ctx) || r.h.over() {
		return err
	}
	now := r.p.runner.opts.Now()
	for owner, code := range culprits {
		r.leaveOut(owner)
		err := r.send(model.Step{
			Chain: r.chain(j), Window: []model.WindowMove{},
			Culprit: &model.Culprit{OwnerID: owner, Code: code, At: now, DueAt: now.Add(culpritPause)},
		})
		if err != nil {
			return err
		}
	}
	return r.ask(ctx, j)
}

// culprits finds the owners for whose sake a batch is refused.
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
		_, err := r.pages(ctx, r.chain(j))
		bad, isVendors := errors.AsType[*fetch.Error](err)
		switch {
		case err == nil:
			continue
		case ended(ctx):
			return nil, nil
		case !isVendors:
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

// refuse notes days as refused.
func (r *window) refuse(j job, days model.Span, code string, calls int) error {
	retryAt := r.p.runner.opts.Now().Add(refusalPause)
	step := model.Step{Chain: r.chain(j), Calls: calls}
	for _, subject := range j.subjects() {
		step.Window = append(step.Window, model.WindowMove{
			Subject: subject, Days: days, RefusedCode: code, RetryAt: retryAt,
		})
	}
	return r.send(step)
}

// subjects are whose days the job fills.
func (j job) subjects() []string {
	if j.batch != "" {
		return []string{j.batch}
	}
	return j.Owners
}

// outcomes says of every subject and day of the job what the answer makes of it:
// read, with figures or without, unless a row that was set aside may have been
// that one.
func outcomes(j job, page model.Page, today model.Day, now time.Time) []model.WindowMove {
	type cell struct {
		subject string
		day     model.Day
	}
	told := map[cell]bool{}
	rows := map[string]bool{}
	for _, s := range page.OwnerStats {
		told[cell{s.OwnerID, s.Day}] = true
		rows[s.OwnerID] = true
	}
	for _, s := range page.DayStats {
		told[cell{j.batch, s.Day}] = true
	}
	for _, s := range page.PeriodStats {
		rows[s.OwnerID] = true
	}
	aside := map[string]bool{}
	for _, r := range page.Rejects {
		aside[r.ID] = true
		if r.ID != "" {
			rows[r.ID] = true
		}
	}
	unsure := aside[""] || j.By == model.StatByOwner && page.Total != nil && *page.Total > int64(len(rows))
	if len(page.PeriodStats) > 0 && !unsure {
		told[cell{j.batch, j.days.To}] = true
	}
	var moves []model.WindowMove
	for _, subject := range j.subjects() {
		for day := j.days.From; day.Compare(j.days.To) <= 0; day = day.Add(1) {
			m := model.WindowMove{Subject: subject, Days: model.Span{From: day, To: day}, Today: today}
			if !told[cell{subject, day}] && (unsure || aside[subject] || aside[day.String()]) {
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
