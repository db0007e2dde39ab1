package sweep

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"syncd/internal/model"
)

// Options bound the work of a [Runner].
type Options struct {
	// Holder names this process in sync.lease.
	Holder string
	// LeaseTTL is how long a silent process keeps its lease; it is renewed at a
	// third of that. Default 60 s.
	LeaseTTL time.Duration
	// SliceMax is how long a slice hands out new work; the first piece is handed out
	// in any case. Default 20 s.
	SliceMax time.Duration
	// StopGrace is how long requests in flight may take to end once work is to
	// stop. Default 5 s.
	StopGrace time.Duration
	// PollLease is the pause between two tries for a lease that is held.
	// Default 1 s.
	PollLease time.Duration
	// DoubtPause is the least time between a doubtful answer and the second one
	// that may confirm it. Default 2 s, which the vendor needs to settle.
	DoubtPause time.Duration
	// Breaker holds back a mass disappearance; the zero one holds back every
	// disappearance.
	Breaker model.Breaker
	// CallsPerDay is how many calls a day the budget of a window stream allows.
	// Where that is less than what is wanted, days that are about to leave the
	// window come before what is cheapest. 0 is without a limit.
	CallsPerDay int64
	// Now is the clock. Default [time.Now].
	Now func() time.Time
	// Progress is called after every commit, one call at a time. May be nil.
	Progress func(Progress)
}

func (o Options) withDefaults() Options {
	set := func(d *time.Duration, v time.Duration) {
		if *d == 0 {
			*d = v
		}
	}
	set(&o.LeaseTTL, time.Minute)
	set(&o.SliceMax, 20*time.Second)
	set(&o.StopGrace, 5*time.Second)
	set(&o.PollLease, time.Second)
	set(&o.DoubtPause, 2*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Progress) {}
	}
	return o
}

// Progress is where a pass stands.
type Progress struct {
	Source, Stream string
	// Counts of the pass so far, including what earlier runs committed.
	Counts model.Counts
	// Added is what this commit added to them.
	Added model.Counts
	// Done and Total are items of a detail stream in this run; Total is 0 where
	// it is not known.
	Done, Total int64
}

// Runner runs the passes of one source. One runner may run several streams at
// once.
type Runner struct {
	name   string
	source Source
	store  Store
	opts   Options

	mu       sync.Mutex
	watching map[[2]string]watches // by stream and mode
}

// NewRunner returns a runner for the source of that configured name.
func NewRunner(name string, source Source, store Store, opts Options) *Runner {
	return &Runner{
		name: name, source: source, store: store, opts: opts.withDefaults(), watching: map[[2]string]watches{},
	}
}

// Request says how a pass is wanted.
type Request struct {
	// Trigger is "command" or "schedule".
	Trigger string
	// Full ignores freshness and content hashes.
	Full bool
	// Wait waits for a lease that somebody else holds; otherwise that is a
	// [*model.LeaseHeldError].
	Wait bool
	// Held is called once when a lease has to be waited for. May be nil.
	Held func(*model.LeaseHeldError)
	// OneSlice ends the run after one slice, with a pass that may be open or has to
	// be repeated: [Result.More].
	OneSlice bool
	// Stop asks, when closed, to end after the pages in hand. May be nil.
	Stop <-chan struct{}
	// Again are days to read although they are held. May be nil.
	Again *Again
}

// Result is how a pass stands when it was left.
type Result struct {
	Pass    model.Pass
	Outcome model.Outcome
	// Closing is the certificate of a list pass that is complete, and what it
	// missed.
	Closing model.Closing
	// Reason says why it is not complete; nil where it is.
	Reason error
	// ResumeAt is the earliest instant at which going on makes sense; zero for
	// at once.
	ResumeAt time.Time
	// Stopped says that the pass is open because Stop asked for it.
	Stopped bool
	// More says that there is more to do at once, and OneSlice was asked for.
	More bool
}

// Pass runs one pass of a stream to its end, or to where the vendor or Stop ends
// it. What stops it on the vendor's side is part of the result; an error is on
// ours: the database, the lease, the context.
func (r *Runner) Pass(ctx context.Context, spec model.StreamSpec, req Request) (Result, error) {
	lease, err := r.takeLease(ctx, spec.Name, req)
	if err != nil {
		return Result{}, err
	}
	defer r.release(ctx, lease)
	ctx, stopRenewing := r.keepLease(ctx, lease)
	defer stopRenewing()

	if err := r.forget(ctx, lease, req.Again); err != nil {
		return Result{}, because(ctx, err)
	}
	for {
		res, err := r.run(ctx, lease, spec, req)
		again := err == nil && 0 < res.Closing.Drifted && res.Closing.Drifted <= int64(spec.DriftRepeats)
		if again && req.OneSlice {
			res.More = true
		}
		if !again || req.OneSlice {
			return res, because(ctx, err)
		}
	}
}

// run opens or resumes a pass and works until it is over or left.
func (r *Runner) run(ctx context.Context, lease model.Lease, spec model.StreamSpec, req Request) (Result, error) {
	pass, err := r.store.OpenPass(ctx, lease, model.PassPlan{
		Spec: spec, Trigger: req.Trigger, Full: req.Full, Now: r.opts.Now(),
	})
	if err != nil {
		return Result{}, err
	}
	p := &pursuit{runner: r, spec: spec, lease: lease, pass: pass, counts: pass.Counts, stop: req.Stop}
	p.watches = r.watch(pass)
	defer r.watchOn(pass, p.watches)
	for ctx.Err() == nil {
		end, err := p.slice(ctx)
		if err != nil {
			return Result{Pass: p.stands()}, err
		}
		if end != nil {
			end.Pass = p.stands()
			return *end, nil
		}
		if req.OneSlice {
			return Result{Pass: p.stands(), Outcome: model.OutcomeRunning, More: true}, nil
		}
	}
	return Result{Pass: p.stands()}, context.Cause(ctx)
}

// because prefers the reason for which a context was cancelled to the error that
// followed from it.
func because(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	return err
}

func (r *Runner) takeLease(ctx context.Context, stream string, req Request) (model.Lease, error) {
	told := false
	for {
		lease, err := r.store.TakeLease(ctx, r.name, stream, r.opts.Holder, r.opts.LeaseTTL)
		held, isHeld := errors.AsType[*model.LeaseHeldError](err)
		if !isHeld || !req.Wait {
			return lease, err
		}
		if !told && req.Held != nil {
			req.Held(held)
		}
		told = true
		if err := r.pause(ctx, r.opts.PollLease, req.Stop); err != nil {
			return lease, fmt.Errorf("wait for the lease of %s/%s: %w", r.name, stream, err)
		}
	}
}

// ErrStopped ends a wait for a lease that [Request.Stop] has cut short.
var ErrStopped = errors.New("stopped")

// pause waits for d, or until ctx or stop ends it.
func (r *Runner) pause(ctx context.Context, d time.Duration, stop <-chan struct{}) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-stop:
		return ErrStopped
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// keepLease renews the lease until the returned function is called, and cancels
// the returned context when it is lost. A renewal that does not reach the
// database is tried again at the next tick; should the lease expire meanwhile
// and be taken, the fence stops the next commit.
func (r *Runner) keepLease(ctx context.Context, lease model.Lease) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		tick := time.NewTicker(r.opts.LeaseTTL / 3)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case <-tick.C:
				if err := r.store.RenewLease(ctx, lease, r.opts.LeaseTTL); errors.Is(err, model.ErrLeaseLost) {
					cancel(err)
					return
				}
			}
		}
	}()
	return ctx, func() {
		cancel(nil)
		<-done
	}
}

// release gives the lease back, also when ctx is over: otherwise the next run
// would wait for it to expire. A process that is to end waits for it only briefly.
func (r *Runner) release(ctx context.Context, lease model.Lease) {
	const releaseMax, endingMax = 20 * time.Second, 3 * time.Second
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), releaseMax)
	defer cancel()
	defer context.AfterFunc(ctx, func() {
		hurry := time.AfterFunc(endingMax, cancel)
		<-limit.Done()
		hurry.Stop()
	})()
	_ = r.store.ReleaseLease(limit, lease) // it expires by itself
}
