package web

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// Any number of readers is one question.
func TestOneQuestionForAll(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := newCached(time.Minute, func(time.Duration) time.Duration { return 10 * time.Second },
			func(context.Context) (int, error) {
				asked++
				time.Sleep(time.Second)
				return asked, nil
			})
		defer c.close()
		var readers sync.WaitGroup
		for range 50 {
			readers.Go(func() {
				got := c.get(t.Context())
				require.Equal(t, 1, got.value)
				require.Equal(t, time.Second, got.took)
			})
		}
		readers.Wait()
		time.Sleep(10*time.Second - time.Nanosecond)
		require.Equal(t, 1, c.get(t.Context()).value)
		time.Sleep(time.Nanosecond)
		require.Equal(t, 2, c.get(t.Context()).value)
		require.Equal(t, 2, asked)
	})
}

// What is slow to tell is asked for less often: a fiftieth of the time.
func TestFactsCostLittle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var busy time.Duration
		s, _ := testServer(t, func(o *Options) {
			o.Facts = func(context.Context) (Facts, error) {
				busy += 2 * time.Second
				time.Sleep(2 * time.Second)
				return someFacts(), nil
			}
		})
		began := time.Now()
		for range 1000 {
			get(s, "/metrics", nil)
			time.Sleep(time.Second)
		}
		require.Less(t, busy, time.Since(began)/(factsShare-1))
		require.Greater(t, busy, 10*time.Second)
	})
}

// Where the new answer takes too long there is the one before; an error is kept
// like an answer, so that a database that is down is not asked by every reader.
func TestOldAnswersAndErrors(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		c := newCached(20*time.Second, func(time.Duration) time.Duration { return 10 * time.Second },
			func(ctx context.Context) (int, error) {
				if asked++; asked == 1 {
					return 1, nil
				}
				<-ctx.Done()
				return 0, context.Cause(ctx)
			})
		require.Equal(t, 1, c.get(t.Context()).value)
		time.Sleep(10 * time.Second)
		impatient, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := c.get(impatient)
		require.Equal(t, 1, got.value)
		require.NoError(t, got.err)
		require.ErrorIs(t, c.get(t.Context()).err, context.DeadlineExceeded)
		require.ErrorIs(t, c.get(t.Context()).err, context.DeadlineExceeded)
		require.Equal(t, 2, asked)

		time.Sleep(10 * time.Second)
		c.close()
		c.get(t.Context())
		require.Equal(t, 2, asked, "nothing is asked after the end")
	})
}

// The end does not wait for an answer.
func TestCloseWhileAsking(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := newCached(time.Hour, func(time.Duration) time.Duration { return 0 },
			func(ctx context.Context) (int, error) { <-ctx.Done(); return 0, context.Cause(ctx) })
		got := make(chan error)
		go func() { got <- c.get(t.Context()).err }()
		synctest.Wait()
		began := time.Now()
		c.close()
		require.ErrorIs(t, <-got, context.Canceled)
		require.Zero(t, time.Since(began))
	})
}
