package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// PlannedGaps lists the days that a pass of a window stream would want now, in
// the order of the subjects: [Store.Gaps], and the whole window of subjects that
// only the pass will give their coverage. It changes nothing.
func (s *Store) PlannedGaps(ctx context.Context, source, stream string, spec *model.WindowSpec, now time.Time,
) ([]model.Gap, error) {
	w := spec.At(now)
	if w.Newest.Compare(w.Oldest) < 0 {
		return nil, nil
	}
	gaps, err := s.Gaps(ctx, model.Pass{Source: source, Stream: stream}, w)
	if err != nil {
		return nil, err
	}
	kind := string(spec.Subjects)
	if spec.Periods != nil {
		kind = "periods"
	}
	rows, err := s.pool.Query(ctx, q("coverage_gap_new"), source, stream, date(w.Oldest), date(w.Newest),
		date(w.RereadFrom), now.Add(-rosterKeeps), kind, spec.Periods)
	if err != nil {
		return nil, fmt.Errorf("coverage_gap_new: %w", err)
	}
	fresh, err := collectGaps(rows)
	if err != nil {
		return nil, fmt.Errorf("coverage_gap_new: %w", err)
	}
	gaps = append(gaps, fresh...)
	slices.SortFunc(gaps, func(a, b model.Gap) int { return strings.Compare(a.Subject, b.Subject) })
	return gaps, nil
}

// collectGaps reads rows of subject, from and to, in the order of the subjects.
func collectGaps(rows pgx.Rows) ([]model.Gap, error) {
	var gaps []model.Gap
	var subject string
	var from, to time.Time
	_, err := pgx.ForEachRow(rows, []any{&subject, &from, &to}, func() error {
		if n := len(gaps); n == 0 || gaps[n-1].Subject != subject {
			gaps = append(gaps, model.Gap{Subject: subject})
		}
		last := &gaps[len(gaps)-1]
		last.Spans = append(last.Spans, model.Span{From: dayOf(from), To: dayOf(to)})
		return nil
	})
	return gaps, err
}
