package scrm

import (
	"fmt"
	"iter"
	"time"
)

// Group is the truth about one group at one moment.
type Group struct {
	ChatID string
	// ChatName is a list of members where nobody gave the group a name.
	ChatName string
	// Named says that somebody did.
	Named bool
	// SalesID is the employee who owns the group, who may have left.
	SalesID        int64
	SalesName      string
	DepartmentName string
	CreatedAt      time.Time
	// Tasks are in the order of the answer.
	Tasks     []Task
	Calendars []Calendar
	Tags      []Tag

	quirks quirks
}

// Task is one SOP task of a group.
type Task struct {
	// ID and SopInfoID are 32 hex digits, a UUID of version 1 that embeds MadeAt,
	// SopInfoID one a little earlier.
	ID, SopInfoID string
	Title         string
	ChatID        string
	// ChatName is "" where nobody named the group.
	ChatName   string
	SendStatus int64
	Mode       int64
	CreatorID  int64
	// MadeAt is in ticks of 100 ns, StartTime the minute that it lies in.
	MadeAt, StartTime time.Time
}

// Tag is one tag of a group: request filters name its id, answers its name.
type Tag struct {
	ID   int64
	Name string
}

// Calendar is one calendar of a group. The shape is made up: the sample has none.
type Calendar struct {
	ID   int64
	Name string
}

// Employee is the truth about one employee at one moment.
type Employee struct {
	ID             int64
	Name           string
	DepartmentName string
	// Deleted says that the employee has left.
	Deleted bool
}

// Totals is the truth in numbers.
type Totals struct {
	Groups    int `json:"groups"`
	Tasks     int `json:"tasks"`
	Employees int `json:"employees"` // those who have not left
	Deleted   int `json:"deleted"`   // those who have
}

// Moment is a point in the tenant's life: its clock, and how many groups have
// been inserted and deleted by hand. The zero value is no moment.
type Moment struct {
	At      time.Time
	Changes int
}

// Moment is the present one.
func (s *Sim) Moment() Moment {
	// The other way round a change between the two readings would count as older
	// than the clock that it was made at.
	now := s.clock.Now()
	return Moment{At: now, Changes: s.changes.Load().n}
}

// Groups are all groups that exist at the moment, in the order of the list. Each
// is made when it is asked for.
func (s *Sim) Groups(m Moment) iter.Seq[Group] {
	x := s.index(m)
	return func(yield func(Group) bool) {
		for _, e := range x.entries {
			if !yield(s.group(e, m.At.Unix())) {
				return
			}
		}
	}
}

// Group is the truth about the group with this id; false when it does not exist
// at the moment.
func (s *Sim) Group(chatID string, m Moment) (Group, bool) {
	n, ok := s.find(chatID, m)
	if !ok {
		return Group{}, false
	}
	return s.group(s.entry(n, s.changes.Load(), m.At.Unix()), m.At.Unix()), true
}

// Tasks are the tasks of all groups at the moment, by group in the order of the
// list.
func (s *Sim) Tasks(m Moment) iter.Seq[Task] {
	return func(yield func(Task) bool) {
		for g := range s.Groups(m) {
			for _, task := range g.Tasks {
				if !yield(task) {
					return
				}
			}
		}
	}
}

// Throughout are the ids of the groups that existed during the whole span: a
// complete pass over it has to have every one of them.
func (s *Sim) Throughout(from, to Moment) map[string]bool {
	first := map[uint64]bool{}
	for _, e := range s.index(from).entries {
		first[e.number] = true
	}
	ids := map[string]bool{}
	for _, e := range s.index(to).entries {
		if first[e.number] {
			ids[s.chatIDOf(e.number)] = true
		}
	}
	return ids
}

// Ever are the ids of the groups that existed at some moment of the span: a pass
// over it can have no other.
func (s *Sim) Ever(from, to Moment) map[string]bool {
	c := s.changes.Load()
	ids := map[string]bool{}
	add := func(n uint64) {
		if l := s.tenant.lifeOf(n, c); l.begunBy(to) && !l.endedBy(from) {
			ids[s.chatIDOf(n)] = true
		}
	}
	for n := range s.tenant.groups.count(to.At.Unix()) {
		add(n)
	}
	for i := range c.inserted {
		add(insertedBase + uint64(i))
	}
	return ids
}

// Employees are all who have ever been hired by the moment, in the order of the
// list.
func (s *Sim) Employees(m Moment) []Employee {
	at := m.At.Unix()
	list := make([]Employee, s.tenant.staffCount(at))
	for staff := range list {
		list[staff] = s.tenant.employee(staff, at)
	}
	return list
}

func (t *tenant) employee(staff int, at int64) Employee {
	return Employee{t.staffID(staff), t.staffName(staff), t.department(staff), !t.employed(staff, at)}
}

// Totals counts the truth at the moment.
func (s *Sim) Totals(m Moment) Totals {
	var sum Totals
	for g := range s.Groups(m) {
		sum.Groups++
		sum.Tasks += len(g.Tasks)
	}
	for _, e := range s.Employees(m) {
		if e.Deleted {
			sum.Deleted++
		} else {
			sum.Employees++
		}
	}
	return sum
}

// TagID is the id that a request names the tag by; an error for a tag that the
// tenant does not have.
func TagID(name string) (int64, error) {
	for _, tag := range tagsAll {
		if tag.Name == name {
			return tag.ID, nil
		}
	}
	return 0, fmt.Errorf("there is no tag %q", name)
}
