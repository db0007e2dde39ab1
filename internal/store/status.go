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
	// Items of a detail stream; all zero for a list.
	Items, NeverRead, Overdue, Failing int64
	// Holder is who is syncing it now, or "".
	Holder string
	// HeldPassID is the pass that waits for approval, 0 if none does, and
	// Candidates how many records the latest complete pass missed.
	HeldPassID, Candidates int64
}

// Status tells how the streams of a source stand; a stream without any pass is
// not among them.
func (s *Store) Status(ctx context.Context, source string, now time.Time) (map[string]StreamStatus, error) {
	rows, err := s.pool.Query(ctx, q("stream_status"), source, now)
	if err != nil {
		return nil, fmt.Errorf("stream_status: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (StreamStatus, error) {
		var t StreamStatus
		c := &t.Counts
		return t, row.Scan(&t.Stream, &t.PassID, &t.Outcome, &t.Verdict, &t.StartedAt, &t.FinishedAt, &t.ResumeAt,
			&t.Error, &c.Pages, &c.RowsRead, &c.RowsChanged, &c.Calls, &c.Rejects, &c.ItemsFailed, &c.ItemsRefused,
			&t.CompleteFrom, &t.CompleteAt, &t.Items, &t.NeverRead, &t.Overdue, &t.Failing, &t.Holder,
			&t.HeldPassID, &t.Candidates)
	})
	if err != nil {
		return nil, fmt.Errorf("stream_status: %w", err)
	}
	byStream := make(map[string]StreamStatus, len(list))
	for _, t := range list {
		byStream[t.Stream] = t
	}
	return byStream, nil
}
