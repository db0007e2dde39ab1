package dingtalk

import (
	"errors"
	"fmt"
	"time"
)

// The credentials that work when [Options] names none.
const (
	DefaultAppKey      = "dingsimulatedapp5eed"
	DefaultAppSecret   = "simulated-secret-of-an-internal-app"
	DefaultSuiteKey    = "suitesimulated5eed"
	DefaultSuiteSecret = "simulated-secret-of-a-suite"
	DefaultCorpID      = "dingcorp5eed0000c0ffee"
)

// Options describe a tenant and how its vendor behaves. The zero value is a
// tenant of 200 groups behind the documented limits.
type Options struct {
	// Seed decides everything that is drawn.
	Seed uint64
	// Chats is how many groups are alive at Start, both relation types together, 1
	// to 1,000,000; 0 is 200. A third belongs to individual customers.
	Chats int
	// Owners is how many people own groups, at least 2; 0 is one for 50 groups,
	// within 4 and 900.
	Owners int
	// Sets is how many group sets there are at Start; 0 is one for 40 groups, within
	// 3 and 500, a negative number none.
	Sets int
	// MeanMembers is the mean size of a group; 0 is 40. MaxMembers is the size of
	// the largest, up to 10,000; 0 is 500.
	MeanMembers, MaxMembers int
	// Messages is how many robot messages were sent in the two days before Start; 0
	// is 50. MessagesPerDay follow; 0 is 20. A negative number is none.
	Messages, MessagesPerDay int
	// Start is the tenant's clock until it is moved, to the second; zero is
	// 2026-11-01 09:00 in China.
	Start time.Time

	// AppKey and AppSecret are the credential of the internal app, SuiteKey,
	// SuiteSecret and CorpID that of the suite; "" is the default of the name.
	AppKey, AppSecret             string
	SuiteKey, SuiteSecret, CorpID string
	// SuiteTicket is the one that is taken; "" takes any that is not empty, as
	// customised apps may send.
	SuiteTicket string
	// TokenTTL is how long a token lives in service time; 0 is two hours.
	TokenTTL time.Duration
	// OneCorpToken ends the token of a suite when a new one is asked for. Whether
	// the vendor does is not documented.
	OneCorpToken bool

	// Limits are the vendor's call limits.
	Limits Limits
	// CursorTTL is how long a cursor lives by the tenant's clock; 0 is forever. The
	// documents say nothing about it.
	CursorTTL time.Duration
	// Offsets makes cursors count rows, so that rows move across the borders of
	// pages as groups appear and vanish. Otherwise a cursor remembers the last row.
	Offsets bool
	// Dissolved says what is left of a group that was dissolved.
	Dissolved DissolvedRule
	// BatchMax is how many ids a batchQuery takes; 0 is 20, the documents say nothing.
	BatchMax int
	// BatchSkips leaves unknown ids out of a batchQuery, which otherwise fails whole.
	BatchSkips bool
	// BetweenOpen excludes both ends of a BETWEEN, which otherwise includes them.
	BetweenOpen bool
	// ListLag is how long after its gmtCreate a group is first seen anywhere.
	ListLag time.Duration
	// ReadyAfter is within what time of sending readers can be asked for; it is drawn
	// for each message. 0 is two minutes.
	ReadyAfter time.Duration
	// KeyTTL is how long after sending readers can be asked for; 0 is 24 hours.
	KeyTTL time.Duration

	// Latency is waited before every answer; 0 waits for nothing.
	Latency time.Duration
	// Odd turns the stranger shapes on, see the package comment.
	Odd bool
	// Script bends answers; [Sim.SetScript] changes it later.
	Script Script
	// Now is the real time behind service time; nil is [time.Now].
	Now func() time.Time
}

// Limits are the vendor's. Zero is the documented value, a negative number no
// limit.
type Limits struct {
	// PerSecond is for each endpoint, counted over any second of service time; 20 by
	// default. One more call is refused and not counted.
	PerSecond int
	// PerMonth is for the organisation, all endpoints but tokens, by the tenant's
	// clock and calendar month in China; 5,000 by default.
	PerMonth int
	// PerAddress is for each caller's address, all endpoints, within 20 s of service
	// time; 10,000 by default. One more call bans the address for five minutes.
	PerAddress int
}

// DissolvedRule is what is left of a dissolved group. No document says.
type DissolvedRule int

// The rules.
const (
	// DissolvedUnknown: not listed, and reading it is an error.
	DissolvedUnknown DissolvedRule = iota
	// DissolvedReadable: not listed, and read as it was in the end.
	DissolvedReadable
	// DissolvedListed: listed and read as it was in the end.
	DissolvedListed
)

var defaultStart = time.Date(2026, 11, 1, 9, 0, 0, 0, chinaTime)

// chinaTime needs no time zone database: China has had no daylight saving time
// since 1991.
var chinaTime = time.FixedZone("CST", 8*60*60)

// withDefaults fills what was left out and refuses what cannot be served, all
// problems at once.
func (o Options) withDefaults() (Options, error) {
	setDefault(&o.Chats, 200)
	setDefault(&o.Owners, min(max(o.Chats/50, 4), 900))
	setDefault(&o.Sets, min(max(o.Chats/40, 3), 500))
	setDefault(&o.MeanMembers, 40)
	setDefault(&o.MaxMembers, 500)
	setDefault(&o.Messages, 50)
	setDefault(&o.MessagesPerDay, 20)
	setDefault(&o.AppKey, DefaultAppKey)
	setDefault(&o.AppSecret, DefaultAppSecret)
	setDefault(&o.SuiteKey, DefaultSuiteKey)
	setDefault(&o.SuiteSecret, DefaultSuiteSecret)
	setDefault(&o.CorpID, DefaultCorpID)
	setDefault(&o.TokenTTL, 2*time.Hour)
	setDefault(&o.Limits.PerSecond, 20)
	setDefault(&o.Limits.PerMonth, 5_000)
	setDefault(&o.Limits.PerAddress, 10_000)
	setDefault(&o.BatchMax, 20)
	setDefault(&o.ReadyAfter, 2*time.Minute)
	setDefault(&o.KeyTTL, 24*time.Hour)
	setDefault(&o.Start, defaultStart)
	o.Start = o.Start.Truncate(time.Second)
	o.Sets, o.Messages, o.MessagesPerDay = max(o.Sets, 0), max(o.Messages, 0), max(o.MessagesPerDay, 0)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, errors.Join(
		within("chats", o.Chats, 1, 1_000_000),
		within("owners", o.Owners, 2, 100_000),
		within("sets", o.Sets, 0, 10_000),
		within("max members", o.MaxMembers, 2, 10_000),
		within("mean members", o.MeanMembers, 2, o.MaxMembers),
		within("messages", o.Messages, 0, 1_000_000),
		within("messages per day", o.MessagesPerDay, 0, 80_000),
		within("batch max", o.BatchMax, 1, 1000),
		within("token ttl in seconds", int(o.TokenTTL/time.Second), 1, 7*24*3600),
		within("list lag in seconds", int(o.ListLag/time.Second), 0, 24*3600),
		within("ready after in seconds", int(o.ReadyAfter/time.Second), 1, int(o.KeyTTL/time.Second)),
		within("rule for dissolved groups", int(o.Dissolved), 0, int(DissolvedListed)),
	)
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

func within(name string, n, low, high int) error {
	if n < low || n > high {
		return fmt.Errorf("%s is %d, want %d to %d", name, n, low, high)
	}
	return nil
}
