package scrm

import (
	"slices"
	"strings"
	"sync"
)

// entry is what a list needs of a group to place and filter it.
type entry struct {
	number  uint64
	created int64
	staff   int32
}

// index holds, for one moment, the groups that exist, in the order of the list.
type index struct {
	moment  Moment
	entries []entry

	mu sync.Mutex
	// picked are the entries that a filter leaves, by its text.
	picked map[string][]entry
}

// pickedMax bounds what one index remembers.
const pickedMax = 32

// indexes keeps those of the latest moments that were asked for. drawn have no
// groups that were inserted and all that were deleted: a change by hand does not
// need to look at each group anew.
type indexes struct {
	mu    sync.Mutex
	drawn []*index
	whole []*index
}

// index is that of the moment.
func (s *Sim) index(m Moment) *index {
	s.indexes.mu.Lock()
	defer s.indexes.mu.Unlock()
	drawn := recent(&s.indexes.drawn, Moment{At: m.At}, s.drawnIndex)
	if m.Changes == 0 {
		return drawn
	}
	return recent(&s.indexes.whole, m, func(m Moment) []entry { return s.changed(drawn.entries, m) })
}

// recent returns the index of a moment from a short list, or makes it.
func recent(list *[]*index, m Moment, build func(Moment) []entry) *index {
	for _, x := range *list {
		if x.moment.At.Equal(m.At) && x.moment.Changes == m.Changes {
			return x
		}
	}
	x := &index{moment: m, entries: build(m), picked: map[string][]entry{}}
	*list = append([]*index{x}, (*list)[:min(len(*list), 2)]...)
	return x
}

// drawnIndex looks at every group once.
func (s *Sim) drawnIndex(m Moment) []entry {
	t, at := s.tenant, m.At.Unix()
	count := t.groups.count(at)
	list := make([]entry, 0, count)
	for n := range count {
		if created := t.created(n); created <= at && at < t.dissolved(n) {
			list = append(list, entry{n, created, int32(t.sales(n, created, at))})
		}
	}
	s.sort(list)
	return list
}

// changed is what changes by hand make of the drawn groups.
func (s *Sim) changed(drawn []entry, m Moment) []entry {
	c := s.changes.Load()
	list := make([]entry, 0, len(drawn)+len(c.inserted))
	for _, e := range drawn {
		if gone, ok := c.deleted[e.number]; !ok || m.Changes < gone {
			list = append(list, e)
		}
	}
	for i := range c.inserted {
		if n := insertedBase + uint64(i); s.tenant.lifeOf(n, c).holds(m) {
			list = append(list, s.entry(n, c, m.At.Unix()))
		}
	}
	s.sort(list)
	return list
}

// entry is that of a group that exists at the instant.
func (s *Sim) entry(n uint64, c *changes, at int64) entry {
	if n < insertedBase {
		created := s.tenant.created(n)
		return entry{n, created, int32(s.tenant.sales(n, created, at))}
	}
	in := c.inserted[n-insertedBase]
	e := entry{n, in.CreatedAt.Unix(), int32(in.staff)}
	if in.staff < 0 {
		e.staff = int32(s.tenant.sales(n, e.created, at))
	}
	return e
}

func (s *Sim) sort(list []entry) {
	switch s.opt.Order {
	case OrderByChatID:
		slices.SortFunc(list, func(a, b entry) int { return strings.Compare(s.chatIDOf(a.number), s.chatIDOf(b.number)) })
	case OrderOldestFirst:
		slices.SortFunc(list, compare)
	default:
		slices.SortFunc(list, func(a, b entry) int { return compare(b, a) })
	}
}

// compare orders groups by creation, then by number.
func compare(a, b entry) int {
	switch {
	case a.created != b.created:
		return int(a.created - b.created)
	case a.number < b.number:
		return -1
	case a.number > b.number:
		return 1
	}
	return 0
}

// pick returns the entries that a filter leaves; equal filters have equal keys.
func (x *index) pick(key string, wants func(entry) bool) []entry {
	x.mu.Lock()
	defer x.mu.Unlock()
	if list, ok := x.picked[key]; ok {
		return list
	}
	list := []entry{}
	for _, e := range x.entries {
		if wants(e) {
			list = append(list, e)
		}
	}
	if len(x.picked) >= pickedMax {
		clear(x.picked)
	}
	x.picked[key] = list
	return list
}

// chatIDOf is the id of a group, however it came to be.
func (s *Sim) chatIDOf(n uint64) string {
	if n < insertedBase {
		return s.tenant.chatID(n)
	}
	return s.changes.Load().inserted[n-insertedBase].ChatID
}

// group is the truth about a group that exists at the instant.
func (s *Sim) group(e entry, at int64) Group {
	t, staff := s.tenant, int(e.staff)
	g := Group{
		ChatID:         s.chatIDOf(e.number),
		SalesID:        t.staffID(staff),
		SalesName:      t.staffName(staff),
		DepartmentName: t.department(staff),
		CreatedAt:      instant(e.created),
		Calendars:      t.calendars(e.number),
		Tags:           t.tags(e.number, at),
		quirks:         t.drawQuirks(e.number),
	}
	g.ChatName, g.Named = s.nameOf(e, at)
	inTasks := ""
	if g.Named {
		inTasks = g.ChatName
	}
	g.Tasks = t.tasks(e.number, g.ChatID, inTasks, e.created, at)
	return g
}

// nameOf is the group's name, and whether somebody gave it one.
func (s *Sim) nameOf(e entry, at int64) (string, bool) {
	if e.number >= insertedBase {
		if name := s.changes.Load().inserted[e.number-insertedBase].Name; name != "" {
			return name, true
		}
	}
	return s.tenant.groupName(e.number, int(e.staff), at)
}
