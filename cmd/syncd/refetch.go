package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

type refetchCmd struct {
	Stream string    `arg:"" name:"source/stream" help:"Stream of statistics."`
	From   model.Day `required:"" help:"First day to read again." placeholder:"YYYY-MM-DD"`
	To     model.Day `required:"" help:"Last day to read again." placeholder:"YYYY-MM-DD"`
	Owner  string    `help:"Only the days of this owner." placeholder:"ID"`
	passFlags
}

// Run reads days of a stream of statistics again, with whatever else a sync of
// the stream would read.
func (r *refetchCmd) Run(ctx context.Context, c *cli, h *host) error {
	if r.To.Compare(r.From) < 0 {
		return usage("--to %s is before --from %s", r.To, r.From)
	}
	if _, stream, narrow := strings.Cut(r.Stream, "/"); !narrow || stream == "" {
		return usage("%s: want SOURCE/STREAM", r.Stream)
	}
	return r.run(ctx, c, h, []string{r.Stream}, func(job *syncJob, sources []*source) error {
		spec := sources[0].specs[0]
		if spec.Shape != model.ShapeWindow {
			return usage("%s is no stream of statistics, and has no days: run syncd sync %s --full", r.Stream, r.Stream)
		}
		days, err := r.reachable(spec.Window, h.now(), h)
		if err != nil {
			return err
		}
		job.again = &again{days: days, owner: r.Owner}
		return nil
	})
}

// reachable cuts the days asked for to those that are wanted and that the vendor
// tells, and says which it leaves alone: they could not be read, and what is held
// of them is not given up for that.
func (r *refetchCmd) reachable(spec *model.WindowSpec, now time.Time, h *host) (model.Span, error) {
	w := spec.At(now)
	oldest := w.Today.Add(-spec.Days())
	days := model.Span{From: r.From, To: r.To}
	if days.From.Compare(oldest) < 0 {
		days.From = oldest
	}
	if days.To.Compare(w.Newest) > 0 {
		days.To = w.Newest
	}
	told := fmt.Sprintf("%s can be read from %s to %s now", r.Stream, oldest, w.Newest)
	if w.Newest.Compare(oldest) < 0 {
		told = fmt.Sprintf("%s can read nothing before %02d:00 in %s", r.Stream, spec.ReadyHour, spec.Zone)
	}
	if days.To.Compare(days.From) < 0 {
		return days, usage("%s to %s: none of these days can be read: %s", r.From, r.To, told)
	}
	for _, out := range []model.Span{{From: r.From, To: days.From.Add(-1)}, {From: days.To.Add(1), To: r.To}} {
		if out.To.Compare(out.From) >= 0 {
			fmt.Fprintf(h.stdout, "%s to %s stay as they are: %s\n", out.From, out.To, told)
		}
	}
	return days, nil
}

// again are days that a sync reads although they are held: of an owner, or of
// everybody where that is "".
type again struct {
	days  model.Span
	owner string
}

// of finds the subjects of the stream whose days they are.
func (a *again) of(ctx context.Context, j *syncJob, src *source, spec model.StreamSpec) (*sweep.Again, error) {
	if a == nil || spec.Shape != model.ShapeWindow {
		return nil, nil //nolint:nilnil // nothing to read again is what every sync has
	}
	list := &sweep.Again{Days: a.days}
	if a.owner == "" {
		return list, nil
	}
	var err error
	list.Subjects, err = subjectsOf(ctx, j.store, src.Name, spec, a.owner)
	return list, err
}
