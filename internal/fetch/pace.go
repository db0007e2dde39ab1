package fetch

import (
	"context"
	"time"

	"golang.org/x/sync/semaphore"

	"syncd/internal/model"
)

// Pacer hands out the calls per second, minute and hour of a source, which several
// processes share, in small blocks. It is safe for concurrent use.
type Pacer interface {
	// Reserve books the next block of an endpoint, "" being all of them together.
	// An error is one of the keeper's.
	Reserve(ctx context.Context, endpoint string) (model.CallGrant, error)
}

const (
	// grantLate is how late a call may be sent that was granted: a process that
	// slept must not send what it was granted then beside what others send now.
	grantLate = 500 * time.Millisecond
	// grantLife is how long calls may be used that are not bound to a moment.
	grantLife = 10 * time.Second
)

// turns are the calls that an endpoint was granted last.
type turns struct {
	// one lets one goroutine ask for more; it guards the rest.
	one   *semaphore.Weighted
	grant model.CallGrant
	began time.Time
	used  int
}

func newTurns() *turns { return &turns{one: semaphore.NewWeighted(1)} }

// take returns when the next call may be sent, or how long there is none and why.
func (t *turns) take(ctx context.Context, pacer Pacer, endpoint string) (at time.Time, wait time.Duration, why string, err error) {
	if err := t.one.Acquire(ctx, 1); err != nil {
		return time.Time{}, 0, "", err
	}
	defer t.one.Release(1)
	if at, ok := t.next(time.Now()); ok {
		return at, 0, "", nil
	}
	// The answer counts from when it was asked for at the earliest.
	grant, err := pacer.Reserve(ctx, endpoint)
	if err != nil || grant.Calls == 0 {
		return time.Time{}, grant.Wait, grant.Why, err
	}
	t.grant, t.began, t.used = grant, time.Now().Add(grant.Wait), 0
	at, _ = t.next(t.began)
	return at, 0, "", nil
}

// next takes the first call of the grant whose time has not passed.
func (t *turns) next(now time.Time) (time.Time, bool) {
	every := t.grant.Every
	if every == 0 {
		if t.used >= t.grant.Calls || now.Sub(t.began) > grantLife {
			return time.Time{}, false
		}
		t.used++
		if now.After(t.began) {
			return now, true
		}
		return t.began, true
	}
	if passed := now.Sub(t.began); passed > 0 {
		t.used = max(t.used, int((passed+every-1)/every))
	}
	if t.used >= t.grant.Calls {
		return time.Time{}, false
	}
	at := t.began.Add(time.Duration(t.used) * every)
	t.used++
	return at, true
}

// share waits for the turn of this process among those that share the limits. It
// is how long until then, and why; or, where no turn could be had, how long there
// will be none.
func (r *run) share(ctx context.Context) (time.Duration, reason, *Error) {
	if r.opts.Pacer == nil {
		return 0, reason{}, nil
	}
	now := time.Now()
	if r.turn.IsZero() || r.passed(now) {
		turn, wait, why, err := r.gate.turns.take(ctx, r.opts.Pacer, r.gate.endpoint)
		if err != nil {
			return 0, reason{}, r.keepersError(ctx, "reserve calls", err)
		}
		if turn.IsZero() {
			return max(wait, time.Millisecond), reason{code: codeBudget, text: why}, nil
		}
		r.turn, now = turn, time.Now()
	}
	return max(r.turn.Sub(now), 0), reason{code: codeBudget, text: "keeping to the budget per second or minute"}, nil
}

// passed reports whether the time of a turn is over.
func (r *run) passed(now time.Time) bool { return now.Sub(r.turn) > grantLate }
