package model

import (
	"encoding/json"
	"time"
)

// Owner is one person of the vendor's organisation who owns, or may own, chats.
type Owner struct {
	// ID is the vendor's user id, opaque, never empty.
	ID string
	// Name and DepartmentName are nil where the answer does not tell them.
	Name           *string
	DepartmentName *string `json:",omitempty"`
}

// Chat is what one answer tells of a group chat. A nil field is one the answer
// does not speak of: the stored value stays. Text that the vendor can leave out
// to say "none" (an absent notice) is a pointer to "".
type Chat struct {
	// ID is the vendor's chat id, opaque, never empty.
	ID             string
	Name           *string
	OwnerID        *string
	OwnerName      *string
	DepartmentName *string
	// Status is the vendor's own number, not translated.
	Status       *int64
	Notice       *string
	MemberCount  *int64
	GroupSetID   *string
	RelationType *string
	CreatedAt    *time.Time
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// Member is one person in a chat at the moment of the answer. A nil field is
// one the vendor left out; it is stored as NULL.
type Member struct {
	// ID is the vendor's id of the person, opaque, never empty.
	ID string
	// JoinedAt is zero where the vendor leaves it out or sends 0.
	JoinedAt time.Time
	// Type is the vendor's own number, not translated.
	Type          *int64
	Name          *string
	GroupNickname *string
	UnionID       *string
	JoinScene     *int64
	InvitorID     *string
	State         *string
	IsAdmin       bool
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// MemberTypeStaff is the [Member.Type] of a person of the organisation itself,
// the only members whose names are owners' names.
const MemberTypeStaff = 1

// ChatDetail is the full answer for one chat: its own fields and everyone who
// is in it.
type ChatDetail struct {
	Chat Chat
	// Members is the whole current set. An id can stand in it twice with two
	// join times.
	Members []Member
	// MembersUnread counts elements of the member list that were set aside
	// because not even an id could be read. Above 0 the answer proves nobody
	// absent.
	MembersUnread int
}

// Reject is an element that could not be read, kept as it came. Its page goes
// through without it.
type Reject struct {
	// Kind says what the element should have been: a [Record], or "member", "stat",
	// "reader".
	Kind string
	// ID is the element's own id, or "" where it could not be read.
	ID string
	// Parent is the id of the record the element stood in, or "".
	Parent string
	// Raw is the element byte for byte.
	Raw []byte
	// Reason says what is wrong with it, in a few words.
	Reason string
}

// Page is one vendor answer, translated.
type Page struct {
	// RequestedAt and ReceivedAt bracket the moment for which the answer is
	// true.
	RequestedAt, ReceivedAt time.Time
	// Owners are seen in an owner list, Chats in a chat list.
	Owners []Owner
	Chats  []Chat
	// Details are full answers for single chats.
	Details []ChatDetail
	// OwnerStats, DayStats and PeriodStats are rows of a [StatCall], at most one
	// for each owner or day that it asks about. An owner or day without a row has
	// nothing to tell, unless a reject may be that row (its ID is the owner or the
	// day, or is not known) or Total says that rows are missing.
	OwnerStats  []OwnerStat
	DayStats    []DayStat
	PeriodStats []PeriodStat
	// SOPGroups go with Chats of the same page, Owners then being those of the
	// chats; GroupSets are seen in a list of group sets.
	SOPGroups []SOPGroup `json:",omitempty"`
	GroupSets []GroupSet `json:",omitempty"`
	// MessageReads are about one robot message, which a chain of several pages
	// tells piece by piece.
	MessageReads []MessageRead `json:",omitempty"`
	// GroupMessages are seen in a list of mass messages, MessageTasks are all
	// senders of one message, MessageResults all receivers of one sender's; of
	// the latter two a chain of several pages tells piece by piece.
	GroupMessages  []GroupMessage       `json:",omitempty"`
	MessageTasks   []GroupMessageTask   `json:",omitempty"`
	MessageResults []GroupMessageResult `json:",omitempty"`
	JoinWays       []JoinWay            `json:",omitempty"`
	Rejects        []Reject
	// Next is the cursor of the following page; "" on the last one.
	Next string
	// Last says that the chain ends here.
	Last bool
	// Total is how many records the vendor says the chain has, or nil where it
	// does not say.
	Total *int64
	// Shifted says that records have moved under the pages of the chain since its
	// head: what it has seen proves nobody absent.
	Shifted bool `json:",omitempty"`
	// Calls is how many requests it took, repeats included.
	Calls int
}

// Join returns the page with a later one of the same chain appended: rows of the
// later come last, and what it tells of the whole chain takes the place of what was
// told before. RequestedAt stays. The slices of p may be overwritten.
func (p Page) Join(later Page) Page {
	p.ReceivedAt, p.Next, p.Last, p.Total = later.ReceivedAt, later.Next, later.Last, later.Total
	p.Shifted = p.Shifted || later.Shifted
	p.Calls += later.Calls
	p.Owners = append(p.Owners, later.Owners...)
	p.Chats = append(p.Chats, later.Chats...)
	p.Details = append(p.Details, later.Details...)
	p.OwnerStats = append(p.OwnerStats, later.OwnerStats...)
	p.DayStats = append(p.DayStats, later.DayStats...)
	p.PeriodStats = append(p.PeriodStats, later.PeriodStats...)
	p.SOPGroups = append(p.SOPGroups, later.SOPGroups...)
	p.GroupSets = append(p.GroupSets, later.GroupSets...)
	p.MessageReads = append(p.MessageReads, later.MessageReads...)
	p.GroupMessages = append(p.GroupMessages, later.GroupMessages...)
	p.MessageTasks = append(p.MessageTasks, later.MessageTasks...)
	p.MessageResults = append(p.MessageResults, later.MessageResults...)
	p.JoinWays = append(p.JoinWays, later.JoinWays...)
	p.Rejects = append(p.Rejects, later.Rejects...)
	return p
}

// Rows is how many records the page holds, rejects not counted.
func (p Page) Rows() int {
	n := len(p.Owners) + len(p.Chats) + len(p.Details) + len(p.OwnerStats) + len(p.DayStats) + len(p.PeriodStats)
	n += len(p.GroupSets) + len(p.GroupMessages) + len(p.MessageTasks) + len(p.MessageResults) + len(p.JoinWays)
	for _, d := range p.Details {
		n += len(d.Members)
	}
	for _, g := range p.SOPGroups {
		n += len(g.Tasks)
	}
	for _, m := range p.MessageReads {
		n += 1 + len(m.ReaderIDs)
	}
	return n
}
