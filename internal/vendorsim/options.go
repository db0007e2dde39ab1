package vendorsim

import (
	"errors"
	"fmt"
	"time"
)

// The credential that works when [Options] names none.
const (
	DefaultCorpID = "ww5d1ec0ffee5eed01"
	DefaultSecret = "simulated-secret-of-a-self-built-app"
)

// Options describe a tenant and how its vendor behaves. The zero value is a
// tenant of 200 chats behind the documented limits.
type Options struct {
	// Seed decides everything that is drawn.
	Seed uint64
	// Chats is how many are alive at Start, 1 to 10,000,000; 0 is 200.
	Chats int
	// Owners is how many staff the tenant has at Start, at least 2; 0 is one for
	// 50 chats, within 4 and 900. A few of them have resigned already.
	Owners int
	// MeanMembers is the mean size of a chat, owner included, the giants of
	// MaxMembers aside; 0 is 30.
	MeanMembers int
	// MaxMembers is the size of the largest chats, up to 10,000; 0 is 500.
	MaxMembers int
	// Start is the tenant's clock until it is moved, to the second; zero is
	// 2026-11-01 09:00 in China.
	Start time.Time
	// CorpID and Secret are the one credential; "" is DefaultCorpID and
	// DefaultSecret. Ids of chats and customers differ between corps.
	CorpID, Secret string
	// TokenTTL is how long a token lives in service time; 0 is two hours.
	TokenTTL time.Duration
	// Limits are the vendor's call limits.
	Limits Limits
	// VisibleMax is how many people may be visible for a list without
	// owner_filter; above it the list is refused with 81017. 0 is 1000.
	VisibleMax int
	// Resigned says how a resigned owner in owner_filter is taken.
	Resigned ResignedRule
	// CursorTTL is how long a cursor lives by the tenant's clock; 0 is forever.
	// The documents say nothing about it.
	CursorTTL time.Duration
	// StatDaysBack is how many days before today the oldest day of the statistics
	// is; 0 is 180. The documents leave open whether it is 179.
	StatDaysBack int
	// ReadyHour is the hour in China at which the figures of yesterday are there;
	// before it they are all zero. 0 is 6, a negative number is midnight.
	ReadyHour int
	// Corrections is in how many of 1,000 owner-days the statistics change once
	// more, at the ready hour of the second or third day after; 0 is 20, a negative
	// number none.
	Corrections int
	// StatRows says which owners have a row in the statistics.
	StatRows RowRule
	// StatPageMax is the size of a page of statistics however large the limit; 0 is
	// the limit.
	StatPageMax int
	// StatsOnly draws statistics out of nothing, for everybody on the staff and
	// unconnected to the chats: far cheaper where thousands own chats.
	StatsOnly bool
	// Education adds migrate_trainee_chat_cnt to the statistics.
	Education bool
	// GroupMessages is how many mass messages are made a day, from 200 days before
	// Start on, a third of them to customers instead of chats; 0 is 6, a negative
	// number none.
	GroupMessages int
	// Latency is waited before every answer; 0 waits for nothing.
	Latency time.Duration
	// Odd turns the stranger shapes on, see the package comment.
	Odd bool
	// Script bends answers; [Sim.SetScript] changes it later.
	Script Script
	// Now is the real time behind service time; nil is [time.Now].
	Now func() time.Time
}

// Limits are counted per endpoint, as the vendor does per corp and API. Zero is
// the documented value, a negative number no limit.
type Limits struct {
	// PerMinute is 10,000 by default. One more call blocks for 60 s (45009).
	PerMinute int
	// PerHour is 150,000 by default. One more call blocks for 60 min (45009).
	PerHour int
	// Concurrency is how many calls may be in flight at once (45033). The vendor
	// does not publish it; 10 by default.
	Concurrency int
	// WrongSecrets is how many an address may send within an hour before it is
	// banned from gettoken for an hour (45009); 2,000 by default.
	WrongSecrets int
}

// ResignedRule is one of two readings of vendor doc 92120, which also decides
// about statistics and mass messages of people who have resigned.
type ResignedRule int

// The readings: users' reports and the vendor's staff from 2021 to 2024 say the
// first, the page of January 2025 the second.
const (
	// ResignedUnfiltered lists the chats of resigned owners when no owner_filter
	// is given, and refuses such an owner in the filter with 40003.
	ResignedUnfiltered ResignedRule = iota
	// ResignedFiltered lists them only when the resigned owner is in the filter.
	ResignedFiltered
)

// RowRule says which owners have a row in the statistics. No document does.
type RowRule int

// The rules. A day of statistic_group_by_day has a row when one of the owners
// asked for has.
const (
	// RowsOnceOwned is everybody who has had a chat by that day, with zeros when
	// none is left.
	RowsOnceOwned RowRule = iota
	// RowsOwning is those who have a chat at the end of that day.
	RowsOwning
	// RowsAll is everybody who is asked for.
	RowsAll
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
	setDefault(&o.MeanMembers, 30)
	setDefault(&o.MaxMembers, 500)
	setDefault(&o.CorpID, DefaultCorpID)
	setDefault(&o.Secret, DefaultSecret)
	setDefault(&o.TokenTTL, 2*time.Hour)
	setDefault(&o.VisibleMax, 1000)
	setDefault(&o.StatDaysBack, 180)
	setDefault(&o.ReadyHour, 6)
	setDefault(&o.Corrections, 20)
	setDefault(&o.GroupMessages, 6)
	setDefault(&o.Limits.PerMinute, 10_000)
	setDefault(&o.Limits.PerHour, 150_000)
	setDefault(&o.Limits.Concurrency, 10)
	setDefault(&o.Limits.WrongSecrets, 2_000)
	if o.Start.IsZero() {
		o.Start = defaultStart
	}
	o.Start = o.Start.Truncate(time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, errors.Join(
		within("chats", o.Chats, 1, 10_000_000),
		within("owners", o.Owners, 2, 100_000),
		within("max members", o.MaxMembers, 2, 10_000),
		within("mean members", o.MeanMembers, 1, o.MaxMembers),
		within("stat days back", o.StatDaysBack, 1, 1000),
		within("ready hour", o.ReadyHour, -1, 23),
		within("corrections", o.Corrections, -1, 1000),
		within("group messages", o.GroupMessages, -1, 10_000),
		within("stat page max", o.StatPageMax, 0, statLimitMax),
		within("token ttl in seconds", int(o.TokenTTL/time.Second), 1, 7*24*3600),
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
