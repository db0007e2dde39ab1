// Package sweep decides what is fetched next and what is committed with it.
//
// The unit of work is a chain: one subject, frozen params, pages joined by
// cursors. A pass follows all chains of a stream. Fetchers run ahead of one
// committer through a bounded channel; the committer puts whatever pages are
// ready into one transaction, with the checkpoints after them. So a stop
// anywhere costs at most the pages in flight, and the next run goes on from the
// checkpoints.
//
// Work is cut into slices of bounded length. Who commits holds the lease of the
// stream, and the store checks its fence in every transaction.
//
// The package knows neither a vendor's codes (errors arrive classed by
// internal/fetch) nor SQL (internal/store). It repeats no single request: that
// is done in fetch. It starts chains over, within bounds, when their cursors
// have rotted.
package sweep

import (
	"context"
	"time"

	"syncd/internal/model"
)

// Source is what a pass needs from a vendor client.
type Source interface {
	// Page returns the page of the chain at cursor ("" is the head). The last
	// page has Last set and no Next. Errors carry a [fetch.Class].
	Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error)
}

// Store is what a pass needs from the database. [model.ErrLeaseLost] from any
// method that takes a lease means that nothing was written.
type Store interface {
	TakeLease(ctx context.Context, source, stream, holder string, ttl time.Duration) (model.Lease, error)
	RenewLease(ctx context.Context, lease model.Lease, ttl time.Duration) error
	ReleaseLease(ctx context.Context, lease model.Lease) error
	// OpenPass resumes the open pass of the stream or opens a new one.
	OpenPass(ctx context.Context, lease model.Lease, plan model.PassPlan) (model.Pass, error)
	// Checkpoints lists the chains of a list pass that are not done.
	Checkpoints(ctx context.Context, pass model.Pass) ([]model.Checkpoint, error)
	// DueItems and CountDue tell what a detail pass still has to read.
	DueItems(ctx context.Context, pass model.Pass, limit int) ([]model.Item, error)
	CountDue(ctx context.Context, pass model.Pass) (int64, error)
	// CountUnread counts the items that failed in the pass and still do.
	CountUnread(ctx context.Context, pass model.Pass) (int64, error)
	// Commit writes steps in one transaction; results are parallel to them.
	Commit(ctx context.Context, lease model.Lease, pass model.Pass, steps []model.Step) (
		[]model.StepResult, model.Counts, error)
	// Totals are what the vendor counted for the chains of a list pass, by subject.
	Totals(ctx context.Context, pass model.Pass) (map[string]int64, error)
	// Recounted adds calls to a pass, and says whether records had moved.
	Recounted(ctx context.Context, lease model.Lease, pass model.Pass, calls int, moved bool) error
	// MarkPass says why an open pass does not go on just now.
	MarkPass(ctx context.Context, lease model.Lease, pass model.Pass, outcome model.Outcome,
		reason string, resumeAt time.Time) error
	// ClosePass ends a pass; one of a list that is complete is certified, and
	// what it missed becomes candidates.
	ClosePass(ctx context.Context, lease model.Lease, pass model.Pass, spec model.StreamSpec,
		end model.Ending) (model.Closing, error)
	// Gaps lists the days that a window stream wants.
	Gaps(ctx context.Context, pass model.Pass, w model.Window) ([]model.Gap, error)
	// Uncover lets days of a window stream be wanted again; nil is everybody's.
	Uncover(ctx context.Context, lease model.Lease, days model.Span, subjects []string) error
	// Roster lists the owners in batches for chains restricted to owners.
	Roster(ctx context.Context, pass model.Pass, now time.Time) ([]model.OwnerBatch, error)
}
