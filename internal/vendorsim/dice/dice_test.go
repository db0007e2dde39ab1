package dice_test

import (
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/vendorsim/dice"
)

func TestUnmixIsTheInverse(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		x := rapid.Uint64().Draw(t, "x")
		require.Equal(t, x, dice.Unmix(dice.Mix(x)))
		require.Less(t, dice.Unit(x), 1.0)
		require.GreaterOrEqual(t, dice.Unit(x), 0.0)
		require.GreaterOrEqual(t, dice.Wait(x, 100), int64(1))
	})
}

func TestWhatIsDrawnDependsOnAllOfIt(t *testing.T) {
	t.Parallel()
	seen := map[uint64]bool{}
	for n := range uint64(10_000) {
		seen[dice.Bits(n%10, n/10%10, n/100%10, n/1000)] = true
	}
	require.Len(t, seen, 10_000)
	require.NotEqual(t, dice.Text(dice.Text(0, "ab"), "c"), dice.Text(dice.Text(0, "a"), "bc"))
}

func TestMeans(t *testing.T) {
	t.Parallel()
	const n = 10_000
	sum, hits := int64(0), 0
	for i := range uint64(n) {
		sum += dice.Wait(dice.Bits(1, 2, i, 0), 1000)
		if dice.Percent(dice.Bits(1, 3, i, 0), 30) {
			hits++
		}
	}
	require.InDelta(t, 1000, float64(sum)/n, 50)
	require.InDelta(t, 0.3, float64(hits)/n, 0.02)
}

func TestArrivals(t *testing.T) {
	t.Parallel()
	a := dice.Arrivals{Seed: 3, Kind: 1, N: 10, Start: 1_000_000, Gap: 500}
	require.Equal(t, uint64(10), a.Count(a.Start))
	for i := uint64(10); i < 200; i++ {
		require.Less(t, a.When(i), a.When(i+1))
		require.Equal(t, i, a.Count(a.When(i)-1))
		require.Equal(t, i+1, a.Count(a.When(i)))
	}
}

func TestVersionChangesOnlyForward(t *testing.T) {
	t.Parallel()
	last, changes := uint64(0), 0
	for since := int64(0); since < 100_000; since += 50 {
		v := dice.Version(1, 2, 3, since, 1000, 300)
		require.GreaterOrEqual(t, v, last)
		if v != last {
			changes++
		}
		last = v
	}
	require.InDelta(t, 30, changes, 15)
}
