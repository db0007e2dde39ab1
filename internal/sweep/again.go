package sweep

import (
	"context"
	"fmt"

	"syncd/internal/model"
)

// Again are days of a window stream that a pass reads although they are held.
type Again struct {
	Days model.Span
	// Subjects are whose days; nil is everybody.
	Subjects []string
}

// forget lets the days be wanted again. It happens under the lease of the pass,
// so that nothing that was read before counts for them. Their rows stay until the
// vendor has told new ones.
func (r *Runner) forget(ctx context.Context, lease model.Lease, again *Again) error {
	if again == nil {
		return nil
	}
	if err := r.store.Uncover(ctx, lease, again.Days, again.Subjects); err != nil {
		return fmt.Errorf("let %s to %s be read again: %w", again.Days.From, again.Days.To, err)
	}
	return nil
}
