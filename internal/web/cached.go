package web

import (
	"context"
	"sync"
	"time"
)

// answer is what a question came to.
type answer[T any] struct {
	value T
	err   error
	// at is when it was there, and took how long that took; zero for none.
	at   time.Time
	took time.Duration
}

// cached asks a question for everybody: one at a time, and not again while the
// answer, good or bad, is fresh. Calls may overlap.
type cached[T any] struct {
	// ask has at most max to answer.
	ask func(context.Context) (T, error)
	max time.Duration
	// fresh is how long an answer that took so long is good for.
	fresh func(took time.Duration) time.Duration

	mu   sync.Mutex
	last answer[T]
	// asking is closed when the question in flight is answered; nil without one.
	asking chan struct{}
	ending context.Context //nolint:containedctx // ends questions in flight, which belong to nobody's request
	end    context.CancelFunc
	flight sync.WaitGroup
}

func newCached[T any](longest time.Duration, fresh func(time.Duration) time.Duration, ask func(context.Context) (T, error),
) *cached[T] {
	c := &cached[T]{ask: ask, max: longest, fresh: fresh}
	c.ending, c.end = context.WithCancel(context.Background())
	return c
}

// get returns a fresh answer. Where none comes before ctx is over it is the one
// before, whose at is zero if there was none.
func (c *cached[T]) get(ctx context.Context) answer[T] {
	c.mu.Lock()
	if !c.last.at.IsZero() && time.Since(c.last.at) < c.fresh(c.last.took) {
		defer c.mu.Unlock()
		return c.last
	}
	if c.asking == nil && c.ending.Err() == nil {
		c.asking = make(chan struct{})
		c.flight.Go(c.question)
	}
	asking := c.asking
	c.mu.Unlock()
	if asking != nil {
		select {
		case <-asking:
		case <-ctx.Done():
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.last
}

func (c *cached[T]) question() {
	ctx, cancel := context.WithTimeout(c.ending, c.max)
	defer cancel()
	began := time.Now()
	value, err := c.ask(ctx)
	now := time.Now()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = answer[T]{value: value, err: err, at: now, took: now.Sub(began)}
	close(c.asking)
	c.asking = nil
}

// close ends a question in flight and asks no more.
func (c *cached[T]) close() {
	c.mu.Lock()
	c.end()
	c.mu.Unlock()
	c.flight.Wait()
}
