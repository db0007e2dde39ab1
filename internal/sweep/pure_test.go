package sweep

import (
	"strconv"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/model"
)

// Whatever the tail and the period of a cursor sequence, going round is noticed
// soon; cursors that never repeat are never blamed.
func TestRotNoticesEveryCircle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		tail := rapid.IntRange(0, 200).Draw(t, "tail")
		period := rapid.IntRange(1, 200).Draw(t, "period")
		at := func(i int) string {
			if i >= tail {
				i = tail + (i-tail)%period
			}
			return "c" + strconv.Itoa(i)
		}
		var watch rot
		for i := range 5 * (tail + period + 2) {
			page := model.Page{Next: at(i + 1), Chats: make([]model.Chat, 1)}
			if wrong := watch.seen(at(i), page); wrong != "" {
				require.Greater(t, i+1, max(tail, period-1)-1, "too early")
				return
			}
		}
		t.Fatal("the circle was not noticed")
	})
}

func TestRotTrustsFreshCursors(t *testing.T) {
	t.Parallel()
	var watch rot
	for i := range 10_000 {
		page := model.Page{Next: "c" + strconv.Itoa(i+1), Chats: make([]model.Chat, 1)}
		if i%10 != 0 {
			page.Chats = nil // some empty pages are fine
		}
		require.Empty(t, watch.seen("c"+strconv.Itoa(i), page))
	}
}

func TestFailureBackoffGrowsToItsBound(t *testing.T) {
	t.Parallel()
	require.Equal(t, time.Minute, failureBackoff(0))
	require.Equal(t, 2*time.Minute, failureBackoff(1))
	last := time.Duration(0)
	for n := range 100 {
		d := failureBackoff(n)
		require.GreaterOrEqual(t, d, last)
		require.LessOrEqual(t, d, failPauseMax)
		last = d
	}
	require.Equal(t, failPauseMax, last)
}

// What is promised of runs that nobody has configured otherwise.
func TestDefaults(t *testing.T) {
	t.Parallel()
	o := Options{}.withDefaults()
	require.LessOrEqual(t, o.SliceMax, 20*time.Second)
	require.GreaterOrEqual(t, o.DoubtPause, 2*time.Second, "the vendor needs as long to settle")
	require.Less(t, o.StopGrace, 10*time.Second)
	require.Less(t, 2*o.StopGrace, o.LeaseTTL, "a lease outlives what is under way")
	require.Equal(t, time.Second, Options{SliceMax: time.Second}.withDefaults().SliceMax)
}

func TestOrderPutsNeedsFirst(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "n")
		var specs []model.StreamSpec
		for i := range n {
			s := model.StreamSpec{Name: strconv.Itoa(i)}
			for j := range i {
				if rapid.Bool().Draw(t, "needs") {
					s.Needs = append(s.Needs, strconv.Itoa(j))
				}
			}
			specs = append(specs, s)
		}
		ordered, err := Order(rapid.Permutation(specs).Draw(t, "order"))
		require.NoError(t, err)
		require.Len(t, ordered, n)
		placed := map[string]bool{"absent": true}
		for _, s := range ordered {
			for _, need := range s.Needs {
				require.True(t, placed[need], "%s before its need %s", s.Name, need)
			}
			placed[s.Name] = true
		}
	})
	_, err := Order([]model.StreamSpec{{Name: "a", Needs: []string{"b"}}, {Name: "b", Needs: []string{"a"}}})
	require.Error(t, err)
}
