package sweep

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"syncd/internal/model"
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
	if slices.EqualFunc(gaps, p.wanted, sameGap) {
		return false, fmt.Errorf("%d gaps are wanted and no call filled any", len(gaps))
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
	err = p.flow(ctx, h, func(ctx context.Context, send func(model.Step) error) error {
		round.send = send
		return round.make(ctx, jobs)
	})
	p.wanted = nil
	if !h.over() { // every call was made
		p.wanted = gaps
	}
	return true, err
}

func sameGap(a, b model.Gap) bool {
	return a.Subject == b.Subject && slices.Equal(a.Spans, b.Spans)
}

// roster reads which owners the batches have.
func (r *window) roster(ctx context.Context, now time.Time) error {
	list, err := r.p.runner.store.Roster(ctx, r.p.pass, now)
	if err != nil {
		return err
	}
	r.know(list)
	return nil
}

func (r *window) know(list []model.OwnerBatch) {
	r.batches = make(map[int][]string, len(list))
	for _, b := range list {
		r.batches[b.Number] = append(r.batches[b.Number], b.Owners...)
	}
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
	parts := [][]planned{plan[:at], single, plan[at:]}
	if budget := r.p.runner.opts.CallsPerDay; budget > 0 && int64(len(plan)+len(single)) > budget {
		parts = [][]planned{r.planScarce(sure, newest, w.Today.Add(-r.p.spec.Window.Days()).Sub(w.Sure)), single}
	}
	jobs := make([]job, 0, len(plan)+len(single))
	for _, part := range parts {
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
		r.h.begin()
		g.Go(func() error { return r.ask(ctx, j) })
	}
	return g.Wait()
}
