package sweep_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// blocked is a source whose requests wait for their context to end.
type blocked struct{ inside chan struct{} }

func (s *blocked) Page(ctx context.Context, _ model.Chain, _ string) (model.Page, error) {
	select {
	case s.inside <- struct{}{}:
	default:
	}
	<-ctx.Done()
	return model.Page{}, ctx.Err()
}

// soon returns the end of a run, and fails the test where it has none.
func soon(t *testing.T, end <-chan error) error {
	t.Helper()
	select {
	case err := <-end:
		return err
	case <-time.After(10 * time.Second):
		require.FailNow(t, "the run does not end")
		return nil
	}
}

// A run whose context ends while requests are in flight, and nothing is waiting
// to be committed, returns.
func TestContextEndsWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	for _, shape := range []model.Shape{model.ShapeList, model.ShapeDetail} {
		t.Run(string(shape), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, nil)
			if shape == model.ShapeDetail {
				b.details("wr1", "wr2")
			}
			ctx, cancel := context.WithCancelCause(t.Context())
			boom := errors.New("boom")
			src := &blocked{inside: make(chan struct{}, 1)}
			failed := make(chan error, 1)
			go func() {
				_, err := sweep.NewRunner("acme", src, b.store, b.opts).Pass(ctx, b.spec, sweep.Request{})
				failed <- err
			}()
			<-src.inside
			cancel(boom)
			require.ErrorIs(t, soon(t, failed), boom)
		})
	}
}

// A lease that is lost while requests are in flight ends the run.
func TestLeaseIsLostWhileRequestsAreInFlight(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	b.details("wr1", "wr2")
	b.opts.LeaseTTL = 30 * time.Millisecond
	src := &blocked{inside: make(chan struct{}, 1)}
	failed := make(chan error, 1)
	go func() {
		_, err := sweep.NewRunner("acme", src, b.store, b.opts).Pass(t.Context(), b.spec, sweep.Request{})
		failed <- err
	}()
	<-src.inside
	_, err := b.pool.Exec(t.Context(), "update sync.lease set fence = fence + 1, holder = 'thief'")
	require.NoError(t, err)
	require.ErrorIs(t, soon(t, failed), model.ErrLeaseLost)
}
