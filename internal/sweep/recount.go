package sweep

import (
	"context"
	"fmt"

	"golang.org/x/sync/errgroup"

	"syncd/internal/model"
)

// recount asks for the head of every chain of a list once more, where records can
// have passed from one subject to another meanwhile: from one that was still to be
// read to one that had been. Not done says that the vendor did not answer; the run
// ends then, and the next one counts.
func (p *pursuit) recount(ctx context.Context, h handOut) (done bool, err error) {
	if !p.spec.Recount || len(p.spec.Subjects) < 2 {
		return true, nil
	}
	totals, err := p.runner.store.Totals(ctx, p.pass)
	if err != nil {
		return false, err
	}
	pages := make([]model.Page, len(p.spec.Subjects))
	g, asking := errgroup.WithContext(h.requests)
	g.SetLimit(max(1, p.spec.Concurrency))
	for i, subject := range p.spec.Subjects {
		chain := model.Chain{
			Source: p.lease.Source, Stream: p.lease.Stream, Subject: subject.Name, Params: subject.Params,
			Bounds: model.Bounds{Until: p.spec.Bounds.Until(p.pass.StartedAt)},
		}
		g.Go(func() (err error) {
			if h.over() {
				return ErrStopped
			}
			pages[i], err = p.runner.source.Page(asking, chain, "")
			return err
		})
	}
	asked := g.Wait()
	calls, moved := 0, false
	for i, page := range pages {
		calls += page.Calls
		was, counted := totals[p.spec.Subjects[i].Name]
		moved = moved || asked == nil && (page.Total == nil || counted && *page.Total != was)
	}
	if err := p.runner.store.Recounted(ctx, p.lease, p.pass, calls, moved); err != nil {
		return false, err
	}
	p.counts.Calls += int64(calls)
	switch {
	case asked == nil:
		return true, nil
	case h.over(), ended(ctx):
		return false, nil
	case !isVendors(asked):
		return false, fmt.Errorf("count again: %w", asked)
	}
	p.trouble(h, p.stopsRun(fmt.Errorf("count again: %w", asked)))
	return false, nil
}
