package store

import (
	"context"
	"errors"
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

// KnownChats counts the chats that are known and not gone. A status of -1, an owner
// of "" and a relation of "" are not known yet, or the vendor has none.
type KnownChats struct {
	Total      int64
	ByStatus   map[int64]int64
	ByOwner    map[string]int64
	ByRelation map[string]int64
}

// KnownChats counts the chats of a source.
func (s *Store) KnownChats(ctx context.Context, source string) (KnownChats, error) {
	k := KnownChats{ByStatus: map[int64]int64{}, ByOwner: map[string]int64{}, ByRelation: map[string]int64{}}
	var owner, relation string
	var status, n int64
	err := each(ctx, s.pool, "plan_chats", []any{source}, []any{&owner, &status, &relation, &n}, func() {
		k.Total += n
		k.ByStatus[status] += n
		k.ByOwner[owner] += n
		k.ByRelation[relation] += n
	})
	if err != nil {
		return k, err
	}
	return k, nil
}

// OpenPassOf finds the pass of a stream that its next run would resume; not ok
// where it would open another.
func (s *Store) OpenPassOf(ctx context.Context, source string, spec model.StreamSpec) (pass model.Pass, ok bool, err error) {
	pass = model.Pass{Source: source, Stream: spec.Name, Mode: spec.Mode}
	err = s.pool.QueryRow(ctx, q("plan_pass"), source, spec.Name, spec.Mode).Scan(&pass.ID, &pass.StartedAt)
	if errors.Is(err, pgx.ErrNoRows) {
		return pass, false, nil
	}
	if err != nil {
		return pass, false, fmt.Errorf("plan_pass: %w", err)
	}
	return pass, true, nil
}

// PlannedChains are the chains that a new pass of a list stream would open for the
// subjects of its spec.
func (s *Store) PlannedChains(ctx context.Context, source string, spec model.StreamSpec, now time.Time) ([]model.Chain, error) {
	var marks map[string]time.Time
	if spec.Bounds != nil && spec.Bounds.FromWatermark {
		var err error
		pass := model.Pass{Source: source, Stream: spec.Name, Scope: hashBytes(model.ScopeOf(spec))}
		if marks, err = watermarks(ctx, s.pool, pass); err != nil {
			return nil, err
		}
	}
	var chains []model.Chain
	for _, subject := range spec.Subjects {
		names, spans := spec.Bounds.Spans(subject.Name, marks[subject.Lane], now)
		for i, name := range names {
			chains = append(chains, model.Chain{Subject: name, Params: subject.Params, Owners: subject.Owners, Bounds: spans[i]})
		}
	}
	return chains, nil
}

// KnownMessages counts the mass messages of a chat type that were created within
// bounds.
func (s *Store) KnownMessages(ctx context.Context, source, chatType string, within model.Bounds) (int64, error) {
	var n int64
	err := s.pool.QueryRow(ctx, q("plan_group_messages"), source, chatType, within.After, within.Until).Scan(&n)
	if err != nil {
		return 0, fmt.Errorf("plan_group_messages: %w", err)
	}
	return n, nil
}

// UnlistedOwners are the owners that a list pass would ask for on their own, in
// batches, because the owner list has them no more.
func (s *Store) UnlistedOwners(ctx context.Context, pass model.Pass, now time.Time) ([]model.OwnerBatch, error) {
	return roster(ctx, s.pool, pass, now, true)
}
