package scrm

import (
	"errors"
	"fmt"
	"time"
)

// The credential that works when [Options] names none.
const (
	DefaultAppID  = "simulated-tanma-app"
	DefaultAppKey = "simulated-app-key-of-tanma"
)

// Options describe a tenant and how its vendor behaves. The zero value is a
// tenant of 200 groups behind five calls a second.
type Options struct {
	// Seed decides everything that is drawn.
	Seed uint64
	// Groups is how many there are at Start, 1 to 10,000,000; 0 is 200.
	Groups int
	// Employees is how many the tenant has at Start, some of whom have left
	// already; 0 is one for 50 groups, within 4 and 900.
	Employees int
	// TasksMax is how many tasks a row shows at most; 0 is 15, a negative number
	// none.
	TasksMax int
	// Shared are the first groups, number 0 and on: those that another simulator
	// has, too. There can be no more than Groups.
	Shared []Shared
	// Start is the tenant's clock until it is moved, to the second; zero is
	// 2026-11-01 09:00 in China.
	Start time.Time
	// AppID and AppKey are the one credential; "" is DefaultAppID and
	// DefaultAppKey. Ids of groups and employees differ between applications.
	AppID, AppKey string
	// Sign is how calls are signed.
	Sign Strategy
	// SignUpper expects the signature in upper case.
	SignUpper bool
	// Key says what becomes of the header appKey.
	Key KeyRule
	// SkewMax is how far a call's timestamp may lie from Now; 0 is five minutes, a
	// negative number any distance. The vendor publishes no number.
	SkewMax time.Duration
	// PerSecond is how many calls are answered in a second; the rest is HTTP 429.
	// 0 is 5, a negative number no limit. The vendor publishes no number.
	PerSecond int
	// RetryAfter is sent with HTTP 429, in whole seconds; 0 is no such header.
	RetryAfter time.Duration
	// PageSizeMax is the largest page; 0 is 100.
	PageSizeMax int
	// ClampPageSize makes a pageSize above PageSizeMax that number, which the answer
	// then says; without, it is refused.
	ClampPageSize bool
	// UserRequired refuses a group list without userId.
	UserRequired bool
	// KeywordExact compares keyword with the whole name; without, the name has to
	// contain it.
	KeywordExact bool
	// ZeroIsAny swaps the meanings of conditionOp: without, 0 (and an absent one)
	// asks for all of the tags and 1 for any.
	ZeroIsAny bool
	// Bounds says whether startCreateTime and endCreateTime belong to their span.
	Bounds BoundsRule
	// Order is that of the group list.
	Order Order
	// EmptyIsOnePage makes totalPage 1 where there is nothing; without, it is 0.
	EmptyIsOnePage bool
	// LastBeyond answers a page beyond the end with the last one there is, under its
	// own number; without, with an empty page under the number asked for.
	LastBeyond bool
	// Tags and Calendars say what the elements of tagGroupNames and calendars are.
	Tags, Calendars Elements
	// Latency is waited before every answer; 0 waits for nothing.
	Latency time.Duration
	// Odd turns the stranger shapes on, see the package comment.
	Odd bool
	// Script bends answers; [Sim.SetScript] changes it later.
	Script Script
	// Now is the real time, by which calls are signed; nil is [time.Now]. Call
	// limits go by it as well, plus what the clock was moved.
	Now func() time.Time
}

// Shared is a group that is known elsewhere.
type Shared struct {
	ChatID string
	// Name is its first name; "" draws one.
	Name string
	// CreatedAt is before Start, to the second; zero draws one.
	CreatedAt time.Time
}

// KeyRule says what becomes of the header appKey. The vendor's pages list it, two
// of three public clients do not send it.
type KeyRule int

// The rules. A wrong or missing one is a bad signature (1002).
const (
	// KeyOptional takes it or leaves it, but refuses a wrong one.
	KeyOptional KeyRule = iota
	// KeyIgnored does not look at it.
	KeyIgnored
	// KeyRequired refuses a call without it, and a wrong one.
	KeyRequired
)

// BoundsRule says whether the bounds of the creation window belong to it. No
// document does.
type BoundsRule int

// The rules.
const (
	BoundsInclusive BoundsRule = iota
	// BoundsHalfOpen leaves out a group created at endCreateTime itself.
	BoundsHalfOpen
	// BoundsExclusive leaves out those at either bound.
	BoundsExclusive
)

// Order is that of the rows. The sample is newest first; no document says so.
type Order int

// The orders. Groups of one second follow each other by when they came to be.
const (
	OrderNewestFirst Order = iota
	OrderOldestFirst
	// OrderByChatID has nothing to do with time: a new group comes anywhere.
	OrderByChatID
)

// Elements are the elements of an array that is always empty in the sample.
type Elements int

// The shapes.
const (
	// ElementsUsual are strings in tagGroupNames and objects in calendars.
	ElementsUsual Elements = iota
	ElementsStrings
	ElementsObjects
	// ElementsNone leaves the array empty, as in the sample.
	ElementsNone
)

var defaultStart = time.Date(2026, 11, 1, 9, 0, 0, 0, chinaTime)

// withDefaults fills what was left out and refuses what cannot be served, all
// problems at once.
func (o Options) withDefaults() (Options, error) {
	setDefault(&o.Groups, 200)
	setDefault(&o.Employees, min(max(o.Groups/50, 4), 900))
	setDefault(&o.TasksMax, 15)
	setDefault(&o.AppID, DefaultAppID)
	setDefault(&o.AppKey, DefaultAppKey)
	setDefault(&o.SkewMax, 5*time.Minute)
	setDefault(&o.PerSecond, 5)
	setDefault(&o.PageSizeMax, 100)
	if o.Start.IsZero() {
		o.Start = defaultStart
	}
	o.Start = o.Start.Truncate(time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	return o, errors.Join(
		within("groups", o.Groups, 1, 10_000_000),
		within("employees", o.Employees, 2, 100_000),
		within("shared groups", len(o.Shared), 0, o.Groups),
		within("page size max", o.PageSizeMax, 1, 10_000),
		within("sign", int(o.Sign), 0, len(strategies)-1),
		checkShared(o),
	)
}

func checkShared(o Options) error {
	seen := map[string]bool{}
	for i, g := range o.Shared {
		switch {
		case g.ChatID == "" || seen[g.ChatID]:
			return fmt.Errorf("shared group %d: chat id %q is empty or comes twice", i, g.ChatID)
		case !g.CreatedAt.Before(o.Start):
			return fmt.Errorf("shared group %d is created at the start or after it", i)
		}
		seen[g.ChatID] = true
	}
	return nil
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
