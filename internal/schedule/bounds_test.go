package schedule

import (
	"testing"
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
