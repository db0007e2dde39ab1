package sweep

import (
	"context"
	"fmt"
	"slices"

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
	err = p.flow(ctx, h, func(ctx context.Context, send func(model.Step) error) error {
		g, ctx := errgroup.WithContext(ctx)
		g.SetLimit(max(1, p.spec.Concurrency))
		for i, cp := range open {
			g.Go(func() error {
				var err error
				done[i], err = p.follow(ctx, h, cp, send)
				return err
			})
		}
		return g.Wait()
	})
	return slices.Contains(done, false), err
}

// follow carries one chain from its checkpoint towards the vendor's last page
// and reports whether it got there. Pages go to the committer in order, each
// with the checkpoint after it, while the next one is being fetched.
func (p *pursuit) follow(ctx context.Context, h handOut, cp model.Checkpoint, send func(model.Step) error,
) (bool, error) {
	chain := cp.Chain
	chain.Params = p.paramsOf(chain.Subject)
	startOver := func(why error) (bool, error) {
		if cp.Restarts >= restartsMax {
			p.trouble(h, ending{
				outcome: model.OutcomeFailed, over: true,
				reason: fmt.Errorf("chain %s started over %d times: %w", chain.Subject, cp.Restarts, why),
			})
			return true, nil
		}
		from := cp.Version
		cp = restarted(cp, chain, p.runner.opts.Now())
		return false, send(model.Step{Chain: chain, From: from, To: cp})
	}
	if !cp.Usable(chain.Params, p.spec.CursorTTL, p.runner.opts.Now()) {
		if given, err := startOver(errCursorAged); given || err != nil {
			return false, err
		}
	}
	var watch rot
	for range pagesMax {
		if h.over() || ctx.Err() != nil {
			return false, nil
		}
		page, err := p.runner.source.Page(ctx, chain, cp.Cursor)
		switch {
		case err == nil:
		case ctx.Err() != nil:
			return false, nil
		case !isVendors(err):
			return false, fmt.Errorf("fetch page %d of %s: %w", cp.Pages+1, chain.Subject, err)
		case fetch.ClassOf(err) == fetch.ClassCursorGone && !cp.AtHead():
			watch = rot{}
			if given, err := startOver(err); given || err != nil {
				return false, err
			}
			continue
		default:
			p.trouble(h, p.stopsRun(fmt.Errorf("fetch page %d of %s: %w", cp.Pages+1, chain.Subject, err)))
			return false, nil
		}
		step := model.Step{Chain: chain, Page: &page, From: cp.Version, To: next(cp, page), Closed: page.Last}
		if err := send(step); err != nil {
			return false, err
		}
		if page.Last {
			return true, nil
		}
		wrong := watch.seen(cp.Cursor, page)
		cp = step.To
		if wrong != "" {
			watch = rot{}
			if given, err := startOver(fmt.Errorf("cursor rot: %s", wrong)); given || err != nil {
				return false, err
			}
		}
	}
	p.trouble(h, ending{
		outcome: model.OutcomeFailed, over: true,
		reason: fmt.Errorf("chain %s has more than %d pages", chain.Subject, pagesMax),
	})
	return false, nil
}

var errCursorAged = fmt.Errorf("its cursor is too old, or was born with other params")

// paramsOf returns the params that the configuration gives the subject today.
func (p *pursuit) paramsOf(subject string) []byte {
	for _, s := range p.spec.Subjects {
		if s.Name == subject {
			return s.Params
		}
	}
	return nil
}
