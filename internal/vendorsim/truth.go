package vendorsim

import (
	"iter"
	"time"
)

// Chat is the truth about one chat at one moment.
type Chat struct {
	ID string
	// Name is "" for a chat that nobody named.
	Name string
	// Owner is a userid, of a person who may have resigned.
	Owner string
	// Status is told by the list only: 0 normal, 1 owner resigned, 2 passing to
	// another, 3 passed; odd tenants also have 4.
	Status    int
	CreatedAt time.Time
	// Notice is nil where the answer has no such field.
	Notice *string
	// Members is everyone in the chat, in the order of the answer.
	Members []Member
	// Admins are userids; nil where the answer has no such list.
	Admins []string
	// MemberVersion is "" where the answer has no such field. It changes when
	// Members come or go, and only then.
	MemberVersion string

	quirks quirks
}

// Member is one person in a chat. Absent fields are "".
type Member struct {
	// ID is a userid for staff, an external_userid for customers.
	ID string
	// Type is 1 for staff, 2 for customers.
	Type    int
	UnionID string
	// JoinedAt is zero where the answer says 0, an odd shape.
	JoinedAt time.Time
	// JoinScene is 1 to 3; odd tenants also have 0 and 17.
	JoinScene int
	// Invitor is the userid of the person of the staff who invited.
	Invitor string
	// GroupNickname is always in the answer, mostly empty.
	GroupNickname string
	// Name is in the answer when asked for.
	Name  string
	State string

	quirks quirks
}

// Totals is the truth in numbers.
type Totals struct {
	// Chats are those that exist, ByStatus the same by their status.
	Chats    int         `json:"chats"`
	ByStatus map[int]int `json:"by_status"`
	// Memberships are the people in chats, one for each chat they are in.
	Memberships int `json:"memberships"`
	// Staff is the length of the follow user list, ChatOwners how many people
	// own a chat, resigned ones included.
	Staff      int `json:"staff"`
	ChatOwners int `json:"chat_owners"`
	// Messages are the mass messages that were ever made, cancelled ones included.
	Messages int `json:"messages"`
	// JoinWays are those that can be read.
	JoinWays int `json:"join_ways"`
}

// chat is everything about a chat that is alive at the instant.
func (t *tenant) chat(n uint64, at int64) Chat {
	var owned [4]tenure
	owners, status := t.tenures(owned[:0], n, at)
	first, _ := t.seats(n)
	present := t.members(make([]presence, 0, first+8), n, owners, status, at)
	c := Chat{
		ID:        t.chatID(n),
		Name:      t.chatName(n, at),
		Owner:     t.staffID(owners[len(owners)-1].staff),
		Status:    t.oddStatus(n, status),
		CreatedAt: instant(t.created(n)),
		Notice:    t.notice(n, at),
		Members:   make([]Member, 0, len(present)),
		quirks:    t.drawQuirks(n, 0),
	}
	for _, p := range present {
		c.Members = append(c.Members, t.member(n, p, owners, at))
	}
	c.Admins = t.admins(n, present)
	if percent(t.bits(drawVersioned, n, 0), 60) {
		var a, b uint64
		for _, p := range present {
			x := t.bits(drawMemberVersion, p.spell, uint64(p.joined))
			a, b = a^x, b^mix(x)
		}
		c.MemberVersion = hex128(mix(a^n), mix(b^n))
	}
	return c
}

// member turns a presence into what the answer says of it.
func (t *tenant) member(chat uint64, p presence, owners []tenure, at int64) Member {
	m := Member{
		JoinScene:     1,
		GroupNickname: t.nickname(chat, p.spell, at),
		quirks:        t.drawQuirks(chat, p.spell+1),
	}
	if p.joined != 0 {
		m.JoinedAt = instant(p.joined)
	}
	if p.staff {
		m.ID, m.Type, m.Name = t.staffID(int(p.person)), 1, t.staffName(int(p.person))
		m.Invitor = t.staffID(ownerAt(owners, p.joined))
		return m
	}
	m.ID, m.Type, m.Name = t.externalID(p.person), 2, t.personName(p.person, at)
	m.UnionID = t.unionID(p.person)
	x := t.bits(drawScene, chat, p.spell)
	m.JoinScene = 1 + among(x, 3)
	if m.JoinScene < 3 && !percent(t.bits(drawInvitor, chat, p.spell), 30) {
		m.Invitor = t.staffID(ownerAt(owners, p.joined))
	}
	way := t.wayOf(chat)
	if m.JoinScene == 3 && way >= 0 && way < len(joinStates) && percent(x>>16, 70) {
		m.State = joinStates[way]
	}
	m.JoinScene = t.oddScene(chat, p.spell, m.JoinScene)
	return m
}

// admins are staff members other than the owner: nil for one chat in three,
// empty for one in five.
func (t *tenant) admins(chat uint64, present []presence) []string {
	kind := t.bits(drawAdmins, chat, 0) % 15
	if kind < 5 {
		return nil
	}
	list := []string{}
	for _, p := range present {
		if kind >= 8 && p.staff && !p.owner && !percent(t.bits(drawAdmins, chat, p.spell+1), 25) {
			list = append(list, t.staffID(int(p.person)))
		}
	}
	return list
}

// Chat is the truth about the chat with this id at an instant not before the
// start; false when it did not exist, not yet or not any more.
func (s *Sim) Chat(id string, at time.Time) (Chat, bool) {
	n, ok := s.tenant.chatNumber(id)
	if !ok || !s.tenant.alive(n, at.Unix()) {
		return Chat{}, false
	}
	return s.tenant.chat(n, at.Unix()), true
}

// Chats are all chats that exist at an instant not before the start, in the
// order of the list. Each is made when it is asked for.
func (s *Sim) Chats(at time.Time) iter.Seq[Chat] {
	return func(yield func(Chat) bool) {
		unix := at.Unix()
		for n := range s.tenant.chats.Count(unix) {
			if unix < s.tenant.dissolved(n) && !yield(s.tenant.chat(n, unix)) {
				return
			}
		}
	}
}

// FollowUsers are the userids of the follow user list at an instant not before
// the start, in its order.
func (s *Sim) FollowUsers(at time.Time) []string {
	var ids []string
	for staff := range s.tenant.staffCount(at.Unix()) {
		if s.tenant.employed(staff, at.Unix()) {
			ids = append(ids, s.tenant.staffID(staff))
		}
	}
	return ids
}

// Totals counts the truth at an instant not before the start.
func (s *Sim) Totals(at time.Time) Totals {
	t, unix := s.tenant, at.Unix()
	sum := Totals{ByStatus: map[int]int{}, Staff: len(s.FollowUsers(at))}
	chatOwners := map[int]bool{}
	var owners []tenure
	var present []presence
	for n := range t.chats.Count(unix) {
		if unix >= t.dissolved(n) {
			continue
		}
		var status int
		owners, status = t.tenures(owners[:0], n, unix)
		present = t.members(present[:0], n, owners, status, unix)
		sum.Chats++
		sum.ByStatus[t.oddStatus(n, status)]++
		sum.Memberships += len(present)
		chatOwners[owners[len(owners)-1].staff] = true
	}
	sum.ChatOwners = len(chatOwners)
	sum.Messages = int(t.massCount(unix))
	for w := range s.JoinWays(at) {
		if w.DeletedAt.IsZero() {
			sum.JoinWays++
		}
	}
	return sum
}
