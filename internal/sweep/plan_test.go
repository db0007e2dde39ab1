package sweep

import (
	"fmt"
	"slices"
	"testing"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// equalGaps are n owners who all want the days 1 to d.
func equalGaps(n, d int) []gap {
	days := make([]int, d)
	for i := range days {
		days[i] = i + 1
	}
	gaps := make([]gap, n)
	for i := range gaps {
		gaps[i] = gap{owner: fmt.Sprintf("u%05d", i), days: days}
	}
	return gaps
}

func TestPlanOfEqualGaps(t *testing.T) {
	t.Parallel()
	wecom := callBounds{owners: 100, span: 30}
	for _, test := range []struct{ owners, days, calls int }{
		{1, 1, 1},
		{100, 1, 1},
		{101, 1, 2},
		{250, 1, 3},
		{1, 180, 6},
		{29, 180, 174},
		{30, 180, 180},
		{31, 180, 180},
		{100, 180, 180},
		{101, 180, 186},
		{129, 180, 180 + 29*6},
		{200, 180, 360},
		{6000, 180, 60 * 180},
		{1, 30, 1},
		{1, 31, 2},
		{5, 2, 2},
	} {
		calls := planCalls(equalGaps(test.owners, test.days), test.days, wecom)
		require.Len(t, calls, test.calls, "%d owners, %d days", test.owners, test.days)
	}
	for _, c := range planCalls(equalGaps(7, 1), 1, wecom) {
		require.True(t, c.byOwner, "a gap of one day is always asked for by owner")
	}
}

func drawGaps(t *rapid.T, owners, days int) []gap {
	var gaps []gap
	for i := range rapid.IntRange(1, owners).Draw(t, "owners") {
		set := rapid.SliceOfNDistinct(rapid.IntRange(1, days), 1, days, rapid.ID[int]).Draw(t, "days")
		slices.Sort(set)
		gaps = append(gaps, gap{owner: fmt.Sprintf("u%02d", i), days: set})
	}
	return gaps
}

// Whatever the gaps: every wanted day of every owner is asked for, within the
// vendor's bounds, with no more calls than either pure strategy takes.
func TestPlanCoversEveryGap(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := callBounds{owners: rapid.IntRange(1, 5).Draw(t, "batch"), span: rapid.IntRange(1, 6).Draw(t, "span")}
		gaps := drawGaps(t, 8, 20)
		calls := planCalls(gaps, 20, b)
		asked := map[string]bool{}
		for _, c := range calls {
			require.LessOrEqual(t, c.last-c.first, b.span-1)
			require.LessOrEqual(t, len(c.owners), b.owners)
			if c.byOwner {
				require.Equal(t, c.first, c.last)
			} else {
				require.Len(t, c.owners, 1)
			}
			for _, id := range c.owners {
				for d := c.first; d <= c.last; d++ {
					asked[fmt.Sprint(id, d)] = true
				}
			}
		}
		wanted := map[int]int{}
		byDay := 0
		for _, g := range gaps {
			last := -100
			for _, d := range g.days {
				require.True(t, asked[fmt.Sprint(g.owner, d)], "%s day %d", g.owner, d)
				wanted[d]++
				if d >= last+b.span {
					byDay, last = byDay+1, d
				}
			}
		}
		byOwner := 0
		for _, n := range wanted {
			byOwner += (n + b.owners - 1) / b.owners
		}
		require.LessOrEqual(t, len(calls), min(byDay, byOwner))
	})
}

// For equal gaps no mix of calls does with fewer: brute force over how many
// owners are asked for by day.
func TestPlanOfEqualGapsIsBest(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := callBounds{owners: rapid.IntRange(1, 6).Draw(t, "batch"), span: rapid.IntRange(1, 6).Draw(t, "span")}
		n, d := rapid.IntRange(1, 20).Draw(t, "owners"), rapid.IntRange(1, 20).Draw(t, "days")
		spans := (d + b.span - 1) / b.span
		best := 1 << 30
		for alone := 0; alone <= n; alone++ {
			best = min(best, alone*spans+d*((n-alone+b.owners-1)/b.owners))
		}
		require.LessOrEqual(t, len(planCalls(equalGaps(n, d), d, b)), best)
	})
}

// For few owners and days, compare with the best of all ways to share the days
// out between calls by owner and calls by day.
func TestPlanIsNearTheBestOfAll(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := callBounds{owners: rapid.IntRange(1, 3).Draw(t, "batch"), span: rapid.IntRange(1, 4).Draw(t, "span")}
		gaps := drawGaps(t, 3, 4)
		best := bruteForce(gaps, b)
		require.LessOrEqual(t, len(planCalls(gaps, 4, b)), best+1)
	})
}

// bruteForce tries every choice of how each wanted day of each owner is asked.
func bruteForce(gaps []gap, b callBounds) int {
	type cell struct{ owner, day int }
	var cells []cell
	for i, g := range gaps {
		for _, d := range g.days {
			cells = append(cells, cell{i, d})
		}
	}
	best := 1 << 30
	for choice := range 1 << len(cells) {
		perDay := map[int]int{}
		calls := 0
		last := map[int]int{}
		for i, c := range cells {
			if choice>>i&1 == 0 {
				perDay[c.day]++
			} else if from, ok := last[c.owner]; !ok || c.day >= from+b.span {
				last[c.owner] = c.day
				calls++
			}
		}
		for _, n := range perDay {
			calls += (n + b.owners - 1) / b.owners
		}
		best = min(best, calls)
	}
	return best
}

func TestPlanOrder(t *testing.T) {
	t.Parallel()
	calls := planCalls(equalGaps(40, 60), 60, callBounds{owners: 100, span: 30})
	require.Equal(t, 60, calls[0].last, "yesterday first")
	for i := 2; i < len(calls); i++ {
		require.LessOrEqual(t, calls[i-1].first, calls[i].first, "then what expires soonest")
	}
}

func BenchmarkPlanMillion(b *testing.B) {
	gaps := equalGaps(6000, 180)
	for b.Loop() {
		planCalls(gaps, 180, callBounds{owners: 100, span: 30})
	}
}
