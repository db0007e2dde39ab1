package fetch

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// run is one call of Do.
type run struct {
	*Client
	req    Request
	gate   *gate
	pauses *backoff.ExponentialBackOff
	// caller is the context as it was handed in, to tell its end from the
	// deadlines we put on top.
	caller context.Context //nolint:containedctx // a run lives as long as the call
	resp   Response
	// over says that repeating is out of the question whatever the class.
	over bool
	// booked says that the meter has granted an attempt that is not sent yet.
	booked bool
	// turn is when the pacer lets the attempt go that is not sent yet; zero before
	// it was asked.
	turn time.Time
	// keeper is an error of who keeps a budget: it ends the run.
	keeper error
}

// keeperError is an error of who keeps a budget outside of this process: neither a
// vendor's nor a bug. It may have met a request that was made to prepare another.
type keeperError struct{ err error }

func (e *keeperError) Error() string { return e.err.Error() }

func (e *keeperError) Unwrap() error { return e.err }

// try waits for the budget, sends the request once and settles the budget with
// the outcome.
func (r *run) try(ctx context.Context) *Error {
	for {
		if bad := r.admit(ctx); bad != nil {
			return bad
		}
		// Before the slot is taken: preparing may itself call the vendor.
		httpReq, bad := r.prepare(ctx)
		if bad != nil {
			return bad
		}
		waited, bad := r.clear(ctx, httpReq.URL.Host)
		if bad != nil {
			return bad
		}
		if waited {
			continue // what was prepared may have grown old
		}
		slot, bad := r.enter(ctx, httpReq.URL.Host)
		if bad != nil {
			return bad
		}
		if slot == nil {
			continue // a block began while we queued: wait it out first
		}
		return r.send(ctx, httpReq, slot)
	}
}

// clear waits for what is known only now, or refuses: the host may have banned
// us, and the meter is asked last, for what it has booked is spent.
func (r *run) clear(ctx context.Context, host string) (waited bool, bad *Error) {
	wait, why := r.shut(host, time.Now())
	if wait == 0 {
		wait, why, bad = r.share(ctx)
	}
	if wait == 0 && bad == nil {
		wait, why, bad = r.book(ctx)
	}
	if wait == 0 || bad != nil {
		return false, bad
	}
	if wait > r.patience(ctx, time.Now()) {
		return false, r.refuse(wait, why)
	}
	return true, r.sleep(ctx, wait, why.text)
}

// shut is how long nothing may be sent to the host, and nothing that counts at
// all.
func (r *run) shut(host string, now time.Time) (time.Duration, reason) {
	wait, why := r.opts.Hosts.of(host).wait(now)
	if r.req.Unmetered {
		return wait, why
	}
	if rest, spent := r.gate.spent.wait(now); rest > wait {
		return rest, spent
	}
	return wait, why
}

// book asks the meter for one attempt, once.
func (r *run) book(ctx context.Context) (time.Duration, reason, *Error) {
	if r.opts.Meter == nil || r.req.Unmetered || r.booked {
		return 0, reason{}, nil
	}
	wait, why, err := r.opts.Meter.Take(ctx, r.req.Lane)
	if err != nil {
		return 0, reason{}, r.keepersError(ctx, "book a call", err)
	}
	r.booked = wait <= 0
	return max(wait, 0), reason{code: codeBudget, text: why}, nil
}

// keepersError ends the run on an error of who keeps a budget, unless ctx has
// ended and the error says no more than that.
func (r *run) keepersError(ctx context.Context, doing string, err error) *Error {
	if bad := r.ended(ctx); bad != nil {
		return bad
	}
	return r.endBy(&keeperError{fmt.Errorf("%s of %s: %w", doing, r.req.Endpoint, err)})
}

// endBy ends the run with the error; what is returned stands for it until then.
func (r *run) endBy(keeper *keeperError) *Error {
	r.keeper = keeper
	return &Error{Class: ClassUnknown, Code: codeBudget, Message: keeper.Error()}
}

// refuse ends the run because of a wait that is too long.
func (r *run) refuse(wait time.Duration, why reason) *Error {
	r.over = true
	return &Error{Class: ClassThrottled, Code: why.code, Message: why.text, RetryAfter: wait}
}

// admit waits until nothing but the queue for a slot is in the way, or refuses
// when that takes too long.
func (r *run) admit(ctx context.Context) *Error {
	for {
		now := time.Now()
		wait, why := r.gate.blocked(now)
		if wait == 0 {
			wait, why = r.gate.pace(now, r.patience(ctx, now))
		}
		if wait == 0 {
			return nil
		}
		if wait > r.patience(ctx, now) {
			return r.refuse(wait, why)
		}
		if bad := r.sleep(ctx, wait, why.text); bad != nil {
			return bad
		}
		if why.reserved {
			return nil
		}
	}
}

// patience is the longest wait that makes sense: a wait that outlives the
// context would only end in a timeout.
func (r *run) patience(ctx context.Context, now time.Time) time.Duration {
	longest := r.opts.WaitMax
	if end, ok := ctx.Deadline(); ok {
		longest = min(longest, end.Sub(now))
	}
	return max(longest, 0)
}

func (r *run) prepare(ctx context.Context) (*http.Request, *Error) {
	httpReq, err := r.req.Prepare(ctx)
	if err == nil {
		if httpReq.Header.Get("User-Agent") == "" {
			httpReq.Header.Set("User-Agent", "syncd/"+r.opts.Version)
		}
		return httpReq, nil
	}
	if bad := r.ended(ctx); bad != nil {
		return nil, bad
	}
	if keeper, ok := errors.AsType[*keeperError](err); ok {
		return nil, r.endBy(keeper)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		// Whoever made it has had its own repeats.
		r.over = true
		return nil, e
	}
	return nil, &Error{Class: ClassUnknown, Code: "request", Message: "prepare: " + err.Error()}
}

func (r *run) enter(ctx context.Context, host string) (*slot, *Error) {
	slot, err := r.gate.enter(ctx)
	if err != nil {
		return nil, r.ended(ctx)
	}
	if slot == nil {
		return nil, nil
	}
	if wait, _ := r.shut(host, time.Now()); wait > 0 {
		slot.leave()
		return nil, nil
	}
	return slot, nil
}

func (r *run) send(ctx context.Context, httpReq *http.Request, slot *slot) *Error {
	defer slot.leave()
	r.booked, r.turn = false, time.Time{}
	r.resp.Calls++
	r.resp.RequestedAt = r.opts.Now()
	answer, bad := r.exchange(ctx, httpReq)
	r.resp.ReceivedAt = r.opts.Now()
	if bad == nil {
		bad = r.judge(answer)
	}
	if bad == nil {
		r.resp.Body = answer.Body
		slot.succeeded(time.Now())
	} else {
		r.failed(ctx, httpReq.URL.Host, slot, bad)
	}
	r.report(answer, bad)
	return bad
}

// failed draws the consequences of an error for whom its scope reaches.
func (r *run) failed(ctx context.Context, host string, slot *slot, bad *Error) {
	now := time.Now() // blocks keep to the machine's clock
	blocks := bad.Class == ClassThrottled && bad.RetryAfter > 0
	switch {
	case blocks && bad.Scope == ScopeHost:
		r.opts.Hosts.of(host).begin(now.Add(bad.RetryAfter), bad.Code)
	case blocks && bad.Scope == ScopeSource && r.opts.Meter == nil:
		r.budget.spent.begin(now.Add(bad.RetryAfter), bad.Code)
	case blocks && bad.Scope == ScopeSource:
		err := r.opts.Meter.Spent(ctx, r.opts.Now().Add(bad.RetryAfter), bad.Code)
		if err != nil && r.ended(ctx) == nil {
			r.keeper = &keeperError{fmt.Errorf("note that %s answers %s: %w", r.req.Endpoint, bad.Code, err)}
		}
	default:
		slot.failed(bad, now)
	}
}

// judge classes an answer and adds what its header says about waiting. The
// returned error is the run's own copy.
func (r *run) judge(a Answer) *Error {
	if a.Status/100 == 3 {
		return redirectError(a)
	}
	verdict := r.req.Verdict
	if verdict == nil {
		verdict = StatusError
	}
	bad := verdict(a)
	if bad == nil {
		return nil
	}
	e := *bad
	if e.Class.Repeats() && e.RetryAfter == 0 {
		e.RetryAfter = min(retryAfter(a.Header, time.Now()), r.opts.RetryAfterMax)
	}
	return &e
}

func (r *run) report(a Answer, bad *Error) {
	if r.opts.Hooks.Attempted == nil {
		return
	}
	attempt := Attempt{
		Source: r.opts.Source, Endpoint: r.req.Endpoint, Try: r.resp.Calls, Status: a.Status,
		Bytes: len(a.Body), Duration: r.resp.ReceivedAt.Sub(r.resp.RequestedAt),
	}
	if bad != nil {
		attempt.Err = r.seal(r.req.Endpoint, bad)
	}
	r.opts.Hooks.Attempted(attempt)
}

// again reports whether the same request goes out once more.
func (r *run) again(ctx context.Context, bad *Error) bool {
	return bad.Class.Repeats() && !r.over && r.resp.Calls < r.opts.TriesMax && ctx.Err() == nil
}

// pause waits before a repeat. After a block it waits nothing: the next try
// waits for the block itself.
func (r *run) pause(ctx context.Context, bad *Error) *Error {
	now := time.Now()
	if blocked, _ := r.gate.blocked(now); blocked > 0 {
		if blocked > r.patience(ctx, now) {
			bad.RetryAfter = max(bad.RetryAfter, blocked)
			return bad
		}
		return nil
	}
	wait := max(r.pauses.NextBackOff(), bad.RetryAfter)
	if wait > r.patience(ctx, now) {
		return bad
	}
	return r.sleep(ctx, wait, fmt.Sprintf("%s (%s), trying again", bad.Class, bad.Code))
}

// sleep waits d or until ctx ends, and tells the hook of waits one can notice.
func (r *run) sleep(ctx context.Context, d time.Duration, why string) *Error {
	if d >= time.Second && r.opts.Hooks.Waiting != nil {
		r.opts.Hooks.Waiting(Wait{
			Source: r.opts.Source, Endpoint: r.req.Endpoint, For: d, Why: r.opts.Scrubber.Text(why),
		})
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return r.ended(ctx)
	}
}

// ended says who ended ctx, or nil while it lives.
func (r *run) ended(ctx context.Context) *Error {
	if err := r.caller.Err(); err != nil {
		return &Error{Class: ClassTransient, Code: "canceled", Message: "stopped by the caller", Err: err}
	}
	if ctx.Err() == nil {
		return nil
	}
	return timeoutError(context.Cause(ctx))
}
