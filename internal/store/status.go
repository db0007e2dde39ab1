package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// StreamStatus is how one stream stands.
type StreamStatus struct {
	Stream string
	// Mode is that of the pass; of the entry of a stream as a whole it is that of
	// the latest.
	Mode string
	// The latest pass. FinishedAt is nil while it is open, ResumeAt where going
	// on makes sense at once.
	PassID               int64
	Outcome              model.Outcome
	Verdict              model.Verdict
	StartedAt            time.Time
	FinishedAt, ResumeAt *time.Time
	Error                string
	Counts               model.Counts
	// CompleteFrom and CompleteAt are when the latest complete pass began and
	// ended; nil if there was none.
	CompleteFrom, CompleteAt *time.Time
	// WholeFrom and WholeAt are the same of the latest that lacks nothing, see
	// [model.Closing.Lacking].
	WholeFrom, WholeAt *time.Time
	// Items of a detail stream; all zero for a list.
	Items, NeverRead, Overdue, Failing int64
	// Holder is who is syncing it now, or "".
	Holder string
	// HeldPassID is the pass that waits for approval, 0 if none does, and
	// Candidates how many records the latest complete pass missed.
	HeldPassID, Candidates int64
	// NeverProven says why one list after the other proves nothing; "" where they do.
	NeverProven string
}

// Status tells how the streams of a source stand, by name; a stream without any
// pass is not among them. One with modes has an entry for each as well, under
// [ModeKey].
func (s *Store) Status(ctx context.Context, source string, now time.Time) (map[string]StreamStatus, error) {
	rows, err := s.pool.Query(ctx, q("stream_status"), source, now)
	if err != nil {
		return nil, fmt.Errorf("stream_status: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (StreamStatus, error) {
		var t StreamStatus
		c := &t.Counts
		return t, row.Scan(&t.Stream, &t.Mode, &t.PassID, &t.Outcome, &t.Verdict, &t.StartedAt, &t.FinishedAt, &t.ResumeAt,
			&t.Error, &c.Pages, &c.RowsRead, &c.RowsChanged, &c.Calls, &c.Rejects, &c.ItemsFailed, &c.ItemsRefused,
			&t.CompleteFrom, &t.CompleteAt, &t.WholeFrom, &t.WholeAt, &t.Items, &t.NeverRead, &t.Overdue, &t.Failing, &t.Holder,
			&t.HeldPassID, &t.Candidates, &t.NeverProven)
	})
	if err != nil {
		return nil, fmt.Errorf("stream_status: %w", err)
	}
	byStream := make(map[string]StreamStatus, len(list))
	for _, t := range list {
		if t.Mode != "" {
			byStream[ModeKey(t.Stream, t.Mode)] = t
		}
		if was, ok := byStream[t.Stream]; ok {
			t = t.with(was)
		}
		byStream[t.Stream] = t
	}
	return byStream, nil
}

// ModeKey is the key of one mode of a stream in what [Store.Status] returns.
func ModeKey(stream, mode string) string { return stream + "/" + mode }

// with puts two modes of a stream together: the latest pass of both, and the
// latest complete one.
func (t StreamStatus) with(o StreamStatus) StreamStatus {
	if o.PassID > t.PassID {
		t, o = o, t
	}
	if t.CompleteFrom == nil || o.CompleteFrom != nil && o.CompleteFrom.After(*t.CompleteFrom) {
		t.CompleteFrom, t.CompleteAt = o.CompleteFrom, o.CompleteAt
	}
	if t.WholeFrom == nil || o.WholeFrom != nil && o.WholeFrom.After(*t.WholeFrom) {
		t.WholeFrom, t.WholeAt = o.WholeFrom, o.WholeAt
	}
	if t.HeldPassID == 0 {
		t.HeldPassID, t.Candidates = o.HeldPassID, o.Candidates
	}
	return t
}

// ModeStatus is how one mode of a stream stands under the filters of a spec.
type ModeStatus struct {
	// Open says that a pass is open, since OpenFrom.
	Open     bool
	OpenFrom time.Time
	// CompleteFrom is when the latest complete pass under these filters began; nil
	// if there was none, or if one under others came later.
	CompleteFrom *time.Time
}

// ModeStatus tells how the spec's mode stands.
func (s *Store) ModeStatus(ctx context.Context, source string, spec model.StreamSpec) (ModeStatus, error) {
	var m ModeStatus
	var open *time.Time
	err := s.pool.QueryRow(ctx, q("mode_status"), source, spec.Name, spec.Mode, hashBytes(model.ScopeOf(spec))).
		Scan(&open, &m.CompleteFrom)
	if err != nil {
		return m, fmt.Errorf("mode_status: %w", err)
	}
	m.Open, m.OpenFrom = open != nil, timeOrZero(open)
	return m, nil
}
