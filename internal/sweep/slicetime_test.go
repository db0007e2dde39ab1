package sweep

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// A slice is over after its time, but not before something was handed out: else a
// pass whose work takes longer to be found than a slice lasts would never get further.
func TestASliceAlwaysGetsFurther(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		begins time.Duration
		lasts  time.Duration
	}{
		"something is handed out at once":   {0, time.Second},
		"something is handed out in time":   {time.Second / 2, time.Second},
		"something is handed out very late": {time.Hour, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				p := &pursuit{runner: NewRunner("acme", nil, nil, Options{SliceMax: time.Second})}
				h, cancel := p.bounds(t.Context())
				defer cancel(nil)
				time.Sleep(c.begins)
				require.False(t, h.over())
				h.begin()
				require.Equal(t, c.begins == c.lasts, h.over())
				time.Sleep(c.lasts - c.begins)
				synctest.Wait()
				require.True(t, h.over())
				require.NoError(t, h.requests.Err(), "what has begun goes on")
			})
		})
	}
}

// Who has been asked to stop hands out nothing.
func TestAStoppedSliceHandsOutNothing(t *testing.T) {
	t.Parallel()
	stop := make(chan struct{})
	close(stop)
	p := &pursuit{runner: NewRunner("acme", nil, nil, Options{}), stop: stop}
	h, cancel := p.bounds(t.Context())
	defer cancel(nil)
	require.True(t, h.over())
}
