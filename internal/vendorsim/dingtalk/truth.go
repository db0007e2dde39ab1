package dingtalk

import (
	"iter"
	"time"
)

// Chat is the truth about a group at an instant.
type Chat struct {
	// ID is the openConversationId, SetID the openGroupSetId, "" where the group was
	// made from no set.
	ID, SetID, RelationType string
	OwnerID, OwnerName      string
	Name                    string
	Members                 int
	CreatedAt               time.Time // whole milliseconds

	number uint64
}

func (t *tenant) chat(n uint64, row ledgerRow, at int64) Chat {
	at = min(at, row.dissolvedMillis/milli-1) // a dissolved one is as it was in the end
	owner := t.owner(n, at)
	c := Chat{
		ID: t.chatID(n), RelationType: relation(row.personal),
		OwnerID: t.userID(owner), OwnerName: t.userName(owner),
		Name: t.chatName(n, at), Members: t.members(n, at),
		CreatedAt: time.UnixMilli(row.createdMillis).In(chinaTime), number: n,
	}
	if set, ok := t.setOf(n); ok {
		c.SetID = t.setID(set)
	}
	return c
}

// Chat is the truth about the group with this id at an instant not before the
// start; false when it does not exist, not yet or not any more.
func (s *Sim) Chat(id string, at time.Time) (Chat, bool) {
	n, ok := s.tenant.chatNumber(id)
	if !ok {
		return Chat{}, false
	}
	row, ok := s.tenant.ledger.row(n, at.Unix())
	if !ok || row.gone(at.Unix()*milli) {
		return Chat{}, false
	}
	return s.tenant.chat(n, row, at.Unix()), true
}

// Chats are all groups of both relation types that exist at an instant not before
// the start, in the order of their gmtCreate. Each is made when it is asked for.
func (s *Sim) Chats(at time.Time) iter.Seq[Chat] {
	return func(yield func(Chat) bool) {
		unix, lag := at.Unix(), s.opt.ListLag.Milliseconds()
		rows, byTime := s.tenant.ledger.at(unix)
		for _, n := range byTime {
			if !rows[n].born(unix*milli, lag) || rows[n].gone(unix*milli) {
				continue
			}
			if !yield(s.tenant.chat(uint64(n), rows[n], unix)) {
				return
			}
		}
	}
}

// Sets are all group sets at an instant not before the start.
func (s *Sim) Sets(at time.Time) []Set {
	t, unix := s.tenant, at.Unix()
	return t.describeAll(t.setNumbers(unix), unix)
}

// setNumbers are those of all sets at an instant.
func (t *tenant) setNumbers(at int64) []uint32 {
	if t.sets.N == 0 {
		return nil
	}
	var numbers []uint32
	for n := range t.sets.Count(max(at, t.start)) {
		numbers = append(numbers, uint32(n))
	}
	return numbers
}

func (t *tenant) describeAll(numbers []uint32, at int64) []Set {
	list := make([]Set, len(numbers))
	byNumber := make(map[uint64]*Set, len(numbers))
	for i, n := range numbers {
		list[i] = t.describe(uint64(n), at)
		byNumber[uint64(n)] = &list[i]
	}
	t.sums(byNumber, at)
	return list
}

// Messages are the robot messages sent by an instant, also those whose keys have
// expired.
func (s *Sim) Messages(at time.Time) []Message {
	var list []Message
	for n := range s.tenant.messageCount(at.Unix()) {
		list = append(list, s.tenant.told(n))
	}
	return list
}

func (t *tenant) told(number uint64) Message {
	m := t.message(number)
	return Message{t.messageKey(number), t.chatID(m.chat), t.messageRobot(number), instant(m.sent)}
}

// Message is the truth about the message with this key at an instant; false when
// it has not been sent.
func (s *Sim) Message(key string, at time.Time) (MessageState, bool) {
	t, unix := s.tenant, at.Unix()
	n, ok := t.messageNumber(key)
	if !ok || n >= t.messageCount(unix) {
		return MessageState{}, false
	}
	m := t.message(n)
	return MessageState{
		Message: t.told(n),
		Ready:   unix >= m.ready,
		Expired: unix >= m.sent+int64(s.opt.KeyTTL/time.Second),
		Status:  m.status(unix),
		Readers: t.readers(&m, unix),
	}, true
}

// Totals are counts over the truth.
type Totals struct {
	Chats        map[string]int `json:"chats"` // by relationType
	Memberships  int            `json:"memberships"`
	ChatOwners   int            `json:"chat_owners"`
	Sets         int            `json:"sets"`
	Messages     int            `json:"messages"`
	MonthlyCalls int            `json:"monthly_calls"`
}

// Totals counts the truth at an instant not before the start. Calls are those of
// the clock's month.
func (s *Sim) Totals(at time.Time) Totals {
	sum := Totals{
		Chats:    map[string]int{RelationCustomer: 0, RelationPersonal: 0},
		Sets:     len(s.tenant.setNumbers(at.Unix())),
		Messages: int(s.tenant.messageCount(at.Unix())), MonthlyCalls: s.MonthlyCalls(),
	}
	owners := map[string]bool{}
	for c := range s.Chats(at) {
		sum.Chats[c.RelationType]++
		sum.Memberships += c.Members
		owners[c.OwnerID] = true
	}
	sum.ChatOwners = len(owners)
	return sum
}
