package model

import (
	"encoding/json"
	"fmt"
	"time"
)

// Day is a calendar day of the vendor: no time of day and no zone. Days are
// compared with == and can be keys of a map. The zero value is the first day of
// the year 1, which stands for "no day".
type Day struct {
	// n counts from the first day of the year 1.
	n int
}

const (
	dayLayout  = "2006-01-02"
	daySeconds = 24 * 60 * 60
	// dayUnixEpoch is 1970-01-01.
	dayUnixEpoch = 719162
)

// DayOf returns the day that t falls on in loc.
func DayOf(t time.Time, loc *time.Location) Day {
	y, m, d := t.In(loc).Date()
	return Day{int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix()/daySeconds) + dayUnixEpoch}
}

// ParseDay reads a day as [Day.String] writes it, of the years 1 to 9999.
func ParseDay(text string) (Day, error) {
	t, err := time.Parse(dayLayout, text)
	if err != nil || t.Year() < 1 {
		return Day{}, fmt.Errorf("%q is no day such as 2006-01-02", text)
	}
	return DayOf(t, time.UTC), nil
}

// Add returns the day n days later, or earlier when n is negative.
func (d Day) Add(n int) Day { return Day{d.n + n} }

// Sub returns how many days d is later than other: 1 for the day after it.
func (d Day) Sub(other Day) int { return d.n - other.n }

// Compare returns -1, 0 or +1 as d is before, the same as, or after other.
func (d Day) Compare(other Day) int {
	switch {
	case d.n < other.n:
		return -1
	case d.n > other.n:
		return +1
	}
	return 0
}

// IsZero reports whether d is the zero value.
func (d Day) IsZero() bool { return d == Day{} }

// In returns the moment at which the day begins in loc: 00:00, or where the
// clocks jump over midnight, the moment of the jump.
func (d Day) In(loc *time.Location) time.Time {
	y, m, day := d.utc().Date()
	t := time.Date(y, m, day, 0, 0, 0, 0, loc)
	if DayOf(t, loc).n < d.n {
		_, t = t.ZoneBounds()
	}
	return t
}

func (d Day) utc() time.Time { return time.Unix(int64(d.n-dayUnixEpoch)*daySeconds, 0).UTC() }

// String returns the day as 2006-01-02.
func (d Day) String() string { return d.utc().Format(dayLayout) }

// MarshalText writes the day as [Day.String] does.
func (d Day) MarshalText() ([]byte, error) { return d.utc().AppendFormat(nil, dayLayout), nil }

// UnmarshalText reads what MarshalText writes.
func (d *Day) UnmarshalText(text []byte) error {
	var err error
	*d, err = ParseDay(string(text))
	return err
}

// Figures are the eight counts of one answer. A nil one was left out by the
// vendor, or could not be read and stands in the Extra beside it. The vendor's
// documents do not say which of them are counts of the day alone and which are
// running totals; they are kept as they come, negative ones too.
type Figures struct {
	// NewChats is new_chat_cnt, the chats created (新增客户群数量).
	NewChats *int64
	// ChatTotal is chat_total, the chats owned (客户群总数).
	ChatTotal *int64
	// ChatsWithMessages is chat_has_msg (有发过消息的客户群数量).
	ChatsWithMessages *int64
	// NewMembers is new_member_cnt, the people who joined (新增群人数).
	NewMembers *int64
	// MemberTotal is member_total, the people in the chats (群总人数).
	MemberTotal *int64
	// MembersWithMessages is member_has_msg (发过消息的群成员数).
	MembersWithMessages *int64
	// Messages is msg_total (群消息总数).
	Messages *int64
	// MigratedChats is migrate_trainee_chat_cnt, the class groups moved in
	// (新增迁移群数). The vendor tells it to schools only.
	MigratedChats *int64
}

// All returns the figures in the order of the columns of groupchat.owner_stat:
// that of the fields.
func (f Figures) All() [8]*int64 {
	return [...]*int64{
		f.NewChats, f.ChatTotal, f.ChatsWithMessages, f.NewMembers,
		f.MemberTotal, f.MembersWithMessages, f.Messages, f.MigratedChats,
	}
}

// OwnerStat is what the vendor says about one owner on one day.
type OwnerStat struct {
	// OwnerID is as it was asked for.
	OwnerID string
	Day     Day
	Figures Figures
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// DayStat is what the vendor says about all owners of a call together, on one
// day.
type DayStat struct {
	Day     Day
	Figures Figures
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// PeriodStat is what the vendor says about one owner over some days, which is not
// the sum over them.
type PeriodStat struct {
	// OwnerID is as it was asked for.
	OwnerID string
	// From and To are the first day and the last one.
	From, To Day
	Figures  Figures
	// Extra is a JSON object of the members we do not know, or nil.
	Extra json.RawMessage
}

// StatBy is what the rows of a statistic are about.
type StatBy string

// The two ways to ask.
const (
	// StatByOwner asks for one row per owner, over all the days together.
	StatByOwner StatBy = "owner"
	// StatByDay asks for one row per day, over all the owners together.
	StatByDay StatBy = "day"
)

// StatCall is one question for statistics. Its JSON is the params of a chain.
type StatCall struct {
	By StatBy `json:"by"`
	// Owners are asked about, 1 to [OwnerBatchMax].
	Owners []string `json:"owners"`
	// From and To are the first day and the last one.
	From Day `json:"from"`
	To   Day `json:"to"`
}

// Days is how many days the call is about; below 1 there are none.
func (c StatCall) Days() int { return c.To.Sub(c.From) + 1 }

// StatParams returns the call as the params of a chain, members in fixed order:
// equal calls are equal bytes.
func StatParams(call StatCall) json.RawMessage {
	text, err := json.Marshal(call)
	if err != nil {
		panic(fmt.Sprintf("model: encode statistics call: %v", err)) // strings and days only
	}
	return text
}
