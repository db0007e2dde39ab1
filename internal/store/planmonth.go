package store

import (
	"context"
	"fmt"
	"time"
)

// KnownGroupSets counts the group sets of a source that are not gone, by relation.
func (s *Store) KnownGroupSets(ctx context.Context, source string) (map[string]int64, error) {
	sets := map[string]int64{}
	var relation string
	var n int64
	err := each(ctx, s.pool, "plan_group_sets", []any{source}, []any{&relation, &n}, func() {
		sets[relation] = n
	})
	if err != nil {
		return nil, err
	}
	return sets, nil
}

// RecentPasses are the passes of one mode of a stream that began within some time.
type RecentPasses struct {
	Calls int64
	// First and Last are when the first and the last complete one began; nil if there
	// was none. Missed is how many records those after the first have missed, and so
	// how many vanished between First and Last.
	First, Last *time.Time
	Missed      int64
}

// PassesSince adds up the passes of a source that began since some moment, by
// [ModeKey].
func (s *Store) PassesSince(ctx context.Context, source string, since time.Time) (map[string]RecentPasses, error) {
	passes := map[string]RecentPasses{}
	var stream, mode string
	var r RecentPasses
	err := each(ctx, s.pool, "plan_passes", []any{source, since},
		[]any{&stream, &mode, &r.Calls, &r.First, &r.Last, &r.Missed}, func() {
			passes[ModeKey(stream, mode)] = r
			r = RecentPasses{}
		})
	if err != nil {
		return nil, err
	}
	return passes, nil
}

// MessageFlow is how many robot messages come.
type MessageFlow struct {
	// Sent were sent since the moment that was asked for.
	Sent int64
	// Oldest is when the oldest of all was sent; nil where there is none.
	Oldest *time.Time
	// Pages is how many pages the readers of one fill on average, at least 1.
	Pages float64
}

// MessagesSince tells how many robot messages of a source were sent since some
// moment. A page has so many readers at most.
func (s *Store) MessagesSince(ctx context.Context, source string, since time.Time, readersPerPage int) (MessageFlow, error) {
	var f MessageFlow
	err := s.pool.QueryRow(ctx, q("plan_messages"), source, since, readersPerPage).Scan(&f.Sent, &f.Oldest, &f.Pages)
	if err != nil {
		return f, fmt.Errorf("plan_messages: %w", err)
	}
	return f, nil
}
