package main

import (
	"context"
	"errors"
	"fmt"
)

// interruptible returns a channel that closes with the first interrupt, and a
// context that ends with the second.
func interruptible(ctx context.Context, h *host) (context.Context, <-chan struct{}, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	stop, quit, done := make(chan struct{}), make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		select {
		case <-h.signals:
		case <-quit:
			return
		}
		close(stop)
		fmt.Fprintln(h.stderr, "syncd: stopping after the pages in hand; interrupt again to drop them") // who reads it finds it so
		select {
		case <-h.signals:
			cancel(errInterrupted)
		case <-quit:
		}
	}()
	return ctx, stop, func() {
		close(quit)
		<-done
		cancel(nil)
	}
}

// until returns a context that ends with stop, for work that has no pages in
// hand.
func until(ctx context.Context, stop <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		select {
		case <-stop:
			cancel(errInterrupted)
		case <-ctx.Done():
		}
	}()
	return ctx, func() { cancel(nil) }
}

// orInterrupted returns why ctx was interrupted, if it was: err only follows
// from that.
func orInterrupted(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); errors.Is(cause, errInterrupted) {
		return cause
	}
	return err
}

var errInterrupted = &exitError{
	code: exitPartial,
	err:  errors.New("interrupted; what was committed is kept, the same command resumes from there"),
}

// errStopped ends a command that has nothing to resume.
var errStopped = errors.New("interrupted")

// untilStopped does work whose context ends with the first interrupt; the error
// is then errStopped, unless the work was done all the same.
func untilStopped(ctx context.Context, h *host, work func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() {
		select {
		case <-h.signals:
			cancel(errStopped)
		case <-ctx.Done():
		}
	}()
	err := work(ctx)
	if cause := context.Cause(ctx); err != nil && errors.Is(cause, errStopped) {
		return cause
	}
	return err
}
