package sweep

import (
	"cmp"
	"maps"
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
	windows := spansByGrid(gaps, newest, b.span)
	if other := spansByGap(gaps, b.span); cost(other, b.owners) < cost(windows, b.owners) {
		windows = other
	}
	return inOrder(mix(windows, b.owners), newest)
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

// cost is how many calls mix makes of the windows. It sorts their units: those
// with most days, which gain most from a call of their own, come first.
func cost(windows [][]unit, batch int) int {
	calls := 0
	for _, units := range windows {
		slices.SortStableFunc(units, func(a, b unit) int {
			return cmp.Or(cmp.Compare(len(b.days), len(a.days)), strings.Compare(a.owner, b.owner))
		})
		_, n := bestSplit(units, batch)
		calls += n
	}
	return calls
}

// mix decides, window by window, which units are asked for by day. The units are
// sorted as cost leaves them.
func mix(windows [][]unit, batch int) []planned {
	var calls []planned
	for _, units := range windows {
		k, _ := bestSplit(units, batch)
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
// when the others are asked for by owner, the fewest where several are equal, and
// how many calls that makes.
func bestSplit(units []unit, batch int) (at, best int) {
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
	best = calls
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
	return at, best
}

// byOwner makes the calls that ask for one day of many owners. Days of which the
// same owners are wanted share the list of them: a window of a million owner-days
// is planned in little memory.
func byOwner(units []unit, batch int) []planned {
	units = slices.Clone(units)
	slices.SortFunc(units, func(a, b unit) int { return strings.Compare(a.owner, b.owner) })
	days := map[int]bool{}
	for _, u := range units {
		for _, d := range u.days {
			days[d] = true
		}
	}
	var calls []planned
	var shared, ids []string
	for _, d := range slices.Sorted(maps.Keys(days)) {
		ids = ids[:0]
		for _, u := range units {
			if _, wanted := slices.BinarySearch(u.days, d); wanted {
				ids = append(ids, u.owner)
			}
		}
		if !slices.Equal(ids, shared) {
			shared = slices.Clone(ids)
		}
		for part := range slices.Chunk(shared, batch) {
			calls = append(calls, planned{byOwner: true, owners: part, first: d, last: d})
		}
	}
	return calls
}
