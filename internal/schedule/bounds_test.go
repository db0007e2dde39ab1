package schedule

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

// What the constants promise together.
func TestBounds(t *testing.T) {
	t.Parallel()
	const (
		rescuerEvery   = 30 * time.Second // River's own
		leaderLost     = 15 * time.Second
		schedulerEvery = 5 * time.Second
		stagger        = 2 * time.Second
	)
	require.Less(t, rescueAfter+rescuerEvery+leaderLost+schedulerEvery+stagger, 90*time.Second)
	require.Less(t, SliceMax, rescueAfter, "a slice that is alive is nobody's to take")
	const others = time.Second // the web server and the connections end behind it
	require.Less(t, stopMax+killMax+others, 10*time.Second)
	require.Less(t, softStopMax+time.Second, stopMax)
}

// What is noted of a slice has as long as the slice, and a little longer.
func TestNotingOutlivesASlice(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(cancel context.CancelFunc, stopping chan struct{}){
		"the slice's time is over": func(cancel context.CancelFunc, _ chan struct{}) { cancel() },
		"the engine is to stop":    func(_ context.CancelFunc, stopping chan struct{}) { close(stopping) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				e := &Engine{stopping: make(chan struct{}), opts: Options{bounds: usual}}
				slice, cancel := context.WithCancel(t.Context())
				defer cancel()
				note, done := e.noting(slice)
				defer done()
				time.Sleep(time.Hour)
				end(cancel, e.stopping)
				time.Sleep(noteMax - time.Nanosecond)
				require.NoError(t, note.Err())
				time.Sleep(time.Nanosecond)
				synctest.Wait()
				require.Error(t, note.Err())
			})
		})
	}
}
