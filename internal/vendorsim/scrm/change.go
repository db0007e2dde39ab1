package scrm

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"time"
)

// Insertion is a group that a test puts into the tenant. Everything else about it
// is drawn.
type Insertion struct {
	// ChatID is "" for a drawn one. It may be that of a group that was deleted.
	ChatID string
	// Name is "" for a drawn one.
	Name string
	// SalesID is an employee's id; 0 for a drawn one.
	SalesID int64
	// CreatedAt says where in the list it stands, to the second: zero is the
	// tenant's clock, which makes it the newest. It cannot be later than that.
	CreatedAt time.Time
}

// insertedBase is the number of the first group that is inserted; drawn ones have
// smaller numbers.
const insertedBase uint64 = 1 << 40

// changes are what was inserted and deleted by hand. A value is never changed.
type changes struct {
	n        int // how many there have been
	inserted []inserted
	deleted  map[uint64]int // by which change
}

type inserted struct {
	Insertion
	staff int // -1 for a drawn one
	born  int // by which change
}

// life is when a group exists: from an instant and a change on, until an instant
// or a change.
type life struct {
	born, dies             int64
	bornChange, diesChange int
}

// begunBy reports whether the group has come to be by the moment.
func (l life) begunBy(m Moment) bool { return m.At.Unix() >= l.born && m.Changes >= l.bornChange }

// endedBy reports whether it is gone by the moment.
func (l life) endedBy(m Moment) bool { return m.At.Unix() >= l.dies || m.Changes >= l.diesChange }

func (l life) holds(m Moment) bool { return l.begunBy(m) && !l.endedBy(m) }

// lifeOf is that of the group. One that was inserted ends by hand only.
func (t *tenant) lifeOf(n uint64, c *changes) life {
	l := life{born: -never, dies: never, diesChange: math.MaxInt}
	if n >= insertedBase {
		l.bornChange = c.inserted[n-insertedBase].born
	} else {
		l.born, l.dies = t.created(n), t.dissolved(n)
	}
	if change, ok := c.deleted[n]; ok {
		l.diesChange = change
	}
	return l
}

// Insert puts a group into the tenant at the present moment and returns its chat
// id. The next answer has it.
func (s *Sim) Insert(in Insertion) (chatID string, err error) {
	s.changing.Lock()
	defer s.changing.Unlock()
	now := s.Moment()
	old := s.changes.Load()
	number := insertedBase + uint64(len(old.inserted))
	entry := inserted{Insertion: in, staff: -1, born: old.n + 1}
	if entry.ChatID == "" {
		entry.ChatID = s.tenant.chatID(number)
	}
	if entry.CreatedAt.IsZero() {
		entry.CreatedAt = now.At
	}
	entry.CreatedAt = entry.CreatedAt.Truncate(time.Second)
	if in.SalesID != 0 {
		var known bool
		if entry.staff, known = s.tenant.staffNumber(in.SalesID); !known {
			return "", fmt.Errorf("insert: there is no employee %d", in.SalesID)
		}
	}
	if entry.CreatedAt.After(now.At) {
		return "", errors.New("insert: it would be created in the future")
	}
	if _, there := s.find(entry.ChatID, now); there {
		return "", fmt.Errorf("insert: chat id %s is in use", entry.ChatID)
	}
	s.changes.Store(&changes{n: old.n + 1, inserted: append(slices.Clip(old.inserted), entry), deleted: old.deleted})
	return entry.ChatID, nil
}

// Delete dissolves a group at the present moment; an error when it does not exist.
func (s *Sim) Delete(chatID string) error {
	s.changing.Lock()
	defer s.changing.Unlock()
	now := s.Moment()
	number, there := s.find(chatID, now)
	if !there {
		return fmt.Errorf("delete: there is no group %s", chatID)
	}
	old := s.changes.Load()
	deleted := maps.Clone(old.deleted)
	if deleted == nil {
		deleted = map[uint64]int{}
	}
	deleted[number] = old.n + 1
	s.changes.Store(&changes{n: old.n + 1, inserted: old.inserted, deleted: deleted})
	return nil
}

// find is the number of the group that has this id at the moment.
func (s *Sim) find(chatID string, m Moment) (uint64, bool) {
	c := s.changes.Load()
	for i, in := range slices.Backward(c.inserted) {
		if n := insertedBase + uint64(i); in.ChatID == chatID && s.tenant.lifeOf(n, c).holds(m) {
			return n, true
		}
	}
	n, ok := s.tenant.drawnNumber(chatID)
	if !ok {
		n, ok = s.tenant.sharedNumber(chatID)
	}
	return n, ok && n < insertedBase && s.tenant.lifeOf(n, c).holds(m)
}
