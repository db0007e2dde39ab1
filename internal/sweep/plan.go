package sweep

import (
	"cmp"
	"slices"
	"strings"
)

// The vendor's bounds of one statistics call, as the planner sees them.
type callBounds struct {
	// owners is how many owners one call by owner may name, span how many days
	// one call by day may reach over.
	owners, span int
}

// gap is what is still wanted of one owner: days, ascending, as numbers.
type gap struct {
	owner string
	days  []int
}

// planned is one call. By owner it asks for one day of many owners, by day for
// the days from first to last of one owner.
type planned struct {
	byOwner     bool
	owners      []string
	first, last int
}

// planCalls shapes gaps into calls, the fewest that its strategies find: one day
// of many owners, a span of days of one owner, or a mix of both.
//
// With equal gaps of n owners over d days the mix is best possible: full batches
// by owner, and the rest by whichever is cheaper. With unequal ones it is never
// worse than either pure strategy. The calls are in the order in which to make
// them: what holds the newest day first, then what expires soonest.
func planCalls(gaps []gap, newest int, b callBounds) []planned {
	best := mix(spansByGrid(gaps, newest, b.span), b.owners)
	if other := mix(spansByGap(gaps, b.span), b.owners); len(other) < len(best) {
		best = other
	}
	return inOrder(best, newest)
}

// inOrder sorts calls: what holds the newest day first, then what expires
// soonest.
func inOrder(calls []planned, newest int) []planned {
	slices.SortStableFunc(calls, func(x, y planned) int {
		return cmp.Or(
			-compareBool(x.last >= newest, y.last >= newest),
			cmp.Compare(x.first, y.first),
			-compareBool(x.byOwner, y.byOwner),
			strings.Compare(x.owners[0], y.owners[0]),
		)
	})
	return calls
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case a:
		return 1
	default:
		return -1
	}
}

// unit is the part of an owner's gap that one call by day could fill.
type unit struct {
	owner string
	days  []int
}

// spansByGap cuts each gap into as few spans as possible, from its first day on.
func spansByGap(gaps []gap, span int) [][]unit {
	var units []unit
	for _, g := range gaps {
		for days := g.days; len(days) > 0; {
			n := len(days)
			if i := slices.IndexFunc(days, func(d int) bool { return d >= days[0]+span }); i > 0 {
				n = i
			}
			units = append(units, unit{g.owner, days[:n]})
			days = days[n:]
		}
	}
	return [][]unit{units}
}

// spansByGrid cuts all gaps at the same places, counted back from the newest
// day. What lies between two cuts can then be decided by itself.
func spansByGrid(gaps []gap, newest, span int) [][]unit {
	windows := map[int][]unit{}
	for _, g := range gaps {
		for days := g.days; len(days) > 0; {
			w := (newest - days[0]) / span
			n := len(days)
			if i := slices.IndexFunc(days, func(d int) bool { return (newest-d)/span != w }); i > 0 {
				n = i
			}
			windows[w] = append(windows[w], unit{g.owner, days[:n]})
			days = days[n:]
		}
	}
	list := make([][]unit, 0, len(windows))
	for _, units := range windows {
		list = append(list, units)
	}
	return list
}

// mix decides, window by window, which units are asked for by day.
func mix(windows [][]unit, batch int) []planned {
	var calls []planned
	for _, units := range windows {
		// The units with most days gain most from a call of their own.
		slices.SortStableFunc(units, func(a, b unit) int {
			return cmp.Or(cmp.Compare(len(b.days), len(a.days)), strings.Compare(a.owner, b.owner))
		})
		k := bestSplit(units, batch)
		for _, u := range units[:k] {
			calls = append(calls, planned{
				owners: []string{u.owner}, first: u.days[0], last: u.days[len(u.days)-1],
			})
		}
		calls = append(calls, byOwner(units[k:], batch)...)
	}
	return calls
}

// bestSplit returns how many units, from the front, are best asked for by day
// when the others are asked for by owner; the fewest where several are equal.
func bestSplit(units []unit, batch int) int {
	wanted := map[int]int{}
	calls := 0
	for _, u := range units {
		for _, d := range u.days {
			if wanted[d]%batch == 0 {
				calls++
			}
			wanted[d]++
		}
	}
	best, at := calls, 0
	for i, u := range units {
		calls++
		for _, d := range u.days {
			wanted[d]--
			if wanted[d]%batch == 0 {
				calls--
			}
		}
		if calls < best {
			best, at = calls, i+1
		}
	}
	return at
}

// byOwner makes the calls that ask for one day of many owners.
func byOwner(units []unit, batch int) []planned {
	owners := map[int][]string{}
	for _, u := range units {
		for _, d := range u.days {
			owners[d] = append(owners[d], u.owner)
		}
	}
	var calls []planned
	for d, ids := range owners {
		slices.Sort(ids)
		for part := range slices.Chunk(ids, batch) {
			calls = append(calls, planned{byOwner: true, owners: part, first: d, last: d})
		}
	}
	return calls
}
