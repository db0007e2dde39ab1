package fetch

import (
	"context"
	"time"
)

// Meter is a call budget over a long time, kept outside of this process and
// shared with others: the calls of a month. It is safe for concurrent use.
type Meter interface {
	// Take books one call of a lane, a share of the whole that a kind of call may
	// use up ("" is none of its own). A wait above 0 says that nothing was booked,
	// for how long nothing will be, and why. A call that is booked and never sent, for
	// the run has ended meanwhile, stays booked. An error is one of the keeper's.
	Take(ctx context.Context, lane string) (wait time.Duration, why string, err error)
	// Spent notes the vendor's word that nothing is left until then. An error is
	// one of the keeper's.
	Spent(ctx context.Context, until time.Time, code string) error
}
