package store

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// coverageSeed names the statement that gives the subjects of a window stream
// their coverage, with its arguments after the first four.
func coverageSeed(w *model.WindowSpec) (string, []any) {
	switch {
	case w.Subjects == model.SubjectOwners:
		return "coverage_seed_owners", nil
	case w.Periods == nil:
		return "coverage_seed_batches", nil
	default:
		return "coverage_seed_periods", []any{w.Periods}
	}
}

// date is a day as PostgreSQL takes and gives it.
func date(d model.Day) time.Time { return d.In(time.UTC) }

func dayOf(t time.Time) model.Day { return model.DayOf(t, time.UTC) }

// seedWindow gives every subject of a window stream its coverage, and notes which
// subjects retire and which days of the others have expired unread. For other
// streams it does nothing.
func seedWindow(ctx context.Context, tx pgx.Tx, pass model.Pass, plan model.PassPlan) error {
	if plan.Spec.Shape != model.ShapeWindow {
		return nil
	}
	w := plan.Spec.Window.At(plan.Now)
	seed, more := coverageSeed(plan.Spec.Window)
	args := append([]any{pass.Source, pass.Stream, date(w.Today), w.Now.Add(-rosterKeeps)}, more...)
	if _, err := exec(ctx, tx, seed, args...); err != nil {
		return err
	}
	days, owners := plan.Spec.Window.Days(), plan.Spec.Window.Subjects == model.SubjectOwners
	_, err := exec(ctx, tx, "coverage_retire", pass.Source, pass.Stream, date(w.Today), w.Now.Add(-rosterKeeps), owners, days)
	if err != nil {
		return err
	}
	if _, err := exec(ctx, tx, "item_retire", pass.Source, pass.Stream, w.Now.Add(-rosterKeeps)); err != nil {
		return err
	}
	if _, err := exec(ctx, tx, "coverage_expire", pass.Source, pass.Stream, date(w.Today.Add(-days)), days); err != nil {
		return err
	}
	return noteWindow(ctx, tx, pass, plan.Spec.Window)
}

// Gaps lists the days that are wanted of each subject, in the order of the
// subjects. One that wants nothing is left out.
func (s *Store) Gaps(ctx context.Context, pass model.Pass, w model.Window) ([]model.Gap, error) {
	if w.Newest.Compare(w.Oldest) < 0 {
		return nil, nil // the only day wanted is not told yet
	}
	rows, err := s.pool.Query(ctx, q("coverage_gap"), pass.Source, pass.Stream, date(w.Oldest), date(w.Newest),
		date(w.RereadFrom), date(w.Today), w.Now)
	if err != nil {
		return nil, fmt.Errorf("coverage_gap: %w", err)
	}
	gaps, err := collectGaps(rows)
	if err != nil {
		return nil, fmt.Errorf("coverage_gap: %w", err)
	}
	return gaps, nil
}

// moveCoverage notes what became of the days that the steps have asked for.
func (c *commit) moveCoverage(ctx context.Context, tx pgx.Tx) error {
	read := map[model.Day][]model.WindowMove{}
	for i := range c.steps {
		for _, m := range c.steps[i].Window {
			if m.RefusedCode == "" {
				read[m.Today] = append(read[m.Today], m)
				continue
			}
			_, err := exec(ctx, tx, "coverage_refuse", c.source, c.stream, m.Subject, date(m.Days.From),
				date(m.Days.To), m.RefusedCode, m.RetryAt, date(m.Today), m.At, m.Outside)
			if err != nil {
				return err
			}
		}
	}
	for _, today := range slices.SortedFunc(maps.Keys(read), model.Day.Compare) {
		moves := read[today]
		subjects, from, to := make([]string, len(moves)), make([]time.Time, len(moves)), make([]time.Time, len(moves))
		slices.SortStableFunc(moves, func(a, b model.WindowMove) int { return strings.Compare(a.Subject, b.Subject) })
		for i, m := range moves {
			subjects[i], from[i], to[i] = m.Subject, date(m.Days.From), date(m.Days.To)
		}
		if _, err := exec(ctx, tx, "coverage_add", c.source, c.stream, date(today), subjects, from, to); err != nil {
			return err
		}
	}
	return nil
}
