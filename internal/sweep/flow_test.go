package sweep

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

func stepOf(rows int) model.Step {
	return model.Step{Page: &model.Page{Chats: make([]model.Chat, rows)}}
}

func TestGatherTakesWhatIsReadyWithinBounds(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		rows []int // of the steps
		want []int // steps of each commit
	}{
		"all at once":           {[]int{1, 1, 1}, []int{3}},
		"steps without rows":    {[]int{0, 0}, []int{2}},
		"up to so many rows":    {[]int{3000, 999, 1, 4000}, []int{3, 1}},
		"one page that is huge": {[]int{9000, 1}, []int{1, 1}},
		"over the bound by one": {[]int{3999, 3000, 1}, []int{2, 1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue()
			go func() {
				defer close(q.steps)
				for _, n := range c.rows {
					if q.put(t.Context(), stepOf(n)) != nil {
						return
					}
				}
			}()
			var have []int
			for group := q.gather(time.Hour); len(group) > 0; group = q.gather(time.Hour) {
				have = append(have, len(group))
			}
			require.Equal(t, c.want, have)
		})
	}
}

func TestGatherHasPatience(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		q := newQueue()
		for range 3 {
			require.NoError(t, q.put(t.Context(), stepOf(1)))
		}
		require.Len(t, q.gather(0), 3, "what is ready is taken without waiting")

		go func() {
			defer close(q.steps)
			for range 4 {
				time.Sleep(40 * time.Millisecond)
				if q.put(t.Context(), stepOf(1)) != nil {
					return
				}
			}
		}()
		began := time.Now()
		require.Len(t, q.gather(100*time.Millisecond), 3, "after 40, 80 and 120 ms")
		require.Equal(t, 140*time.Millisecond, time.Since(began), "counted from the first")
		require.Len(t, q.gather(time.Hour), 1, "nothing comes after the end")
		require.Equal(t, 160*time.Millisecond, time.Since(began))
		require.Empty(t, q.gather(time.Hour))
	})
}

func TestQueueHoldsOneCommit(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		q, put := newQueue(), 0
		stopped := make(chan error)
		go func() {
			for {
				if err := q.put(ctx, stepOf(100)); err != nil {
					stopped <- err
					return
				}
				put++
			}
		}()
		synctest.Wait()
		require.Equal(t, rowsPerCommitMax/100, put)
		require.Len(t, q.gather(0), rowsPerCommitMax/100)
		synctest.Wait()
		require.Equal(t, 2*rowsPerCommitMax/100, put)
		cancel()
		require.ErrorIs(t, <-stopped, context.Canceled)
	})
}
