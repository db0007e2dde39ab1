package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// Uncover lets days of the lease's stream be wanted again, of the subjects, or of
// all where that is nil. The figures stay.
func (s *Store) Uncover(ctx context.Context, lease model.Lease, days model.Span, subjects []string) error {
	return s.fenced(ctx, lease, func(tx pgx.Tx) error {
		_, err := exec(ctx, tx, "coverage_uncover", lease.Source, lease.Stream, date(days.From), date(days.To), subjects)
		return err
	})
}
