package scrm

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
	"time"

	"syncd/internal/vendorsim/dice"
)

const (
	minute = 60
	hour   = 60 * minute
	day    = 24 * hour
	never  = 1 << 40 // seconds: far beyond any clock, and still a time.Time
)

// chinaTime needs no time zone database: China has had no daylight saving time
// since 1991.
var chinaTime = time.FixedZone("CST", 8*60*60)

func instant(unix int64) time.Time { return time.Unix(unix, 0).In(chinaTime) }

// tenant is the made-up organisation. All its methods are pure functions of the
// seed, a number and an instant in Unix seconds, never before start.
type tenant struct {
	seed     uint64
	start    int64
	corp     string // six characters inside every chat id
	odd      bool
	shared   []Shared
	groups   arrivals
	staff    arrivals
	tasksMax int
}

func newTenant(o Options) *tenant {
	t := &tenant{start: o.Start.Unix(), odd: o.Odd, shared: o.Shared, tasksMax: max(o.TasksMax, 0)}
	t.seed = dice.Text(dice.Mix(o.Seed), o.AppID)
	t.corp = base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, t.bits(drawCorp, 0, 0)))[:6]
	// Each day brings 0.4 % more groups and 0.3 % more staff.
	t.groups = arrivals{kind: drawBorn, n: uint64(o.Groups), gap: max(1, day*250/int64(o.Groups)), tenant: t}
	t.staff = arrivals{kind: drawHired, n: uint64(o.Employees), gap: max(1, day*333/int64(o.Employees)), tenant: t}
	return t
}

// created is when the group began.
func (t *tenant) created(group uint64) int64 {
	switch {
	case group >= t.groups.n:
		return t.groups.when(group)
	case group < uint64(len(t.shared)) && !t.shared[group].CreatedAt.IsZero():
		return t.shared[group].CreatedAt.Unix()
	}
	return t.start - day - int64(dice.Unit(t.bits(drawCreated, group, 0))*900*day)
}

// dissolved is when the group ends: every day one in 400 does.
func (t *tenant) dissolved(group uint64) int64 {
	return max(t.created(group), t.start) + dice.Wait(t.bits(drawDissolved, group, 0), 400*day)
}

// idsBase and idStep spread the numeric ids: above 2^31, below 2^53, and 16
// million apart.
const (
	idsBase = int64(451_000_000_000_000)
	idBits  = 24
)

// staffID is the numeric id of an employee: salesId, userId and creatorId.
func (t *tenant) staffID(staff int) int64 {
	return idsBase + int64(staff)<<idBits + int64(t.bits(drawStaffID, uint64(staff), 0)&(1<<idBits-1))
}

// staffNumber is the inverse of staffID; false for an id that is none.
func (t *tenant) staffNumber(id int64) (int, bool) {
	n := int((id - idsBase) >> idBits)
	return n, id >= idsBase && t.staffID(n) == id
}

// staffCount is how many people have ever been hired by the instant; before the
// start it is those of the start.
func (t *tenant) staffCount(at int64) int { return int(t.staff.count(max(at, t.start))) }

// resigned is when an employee leaves; number 0 never does. A few have left
// before the start.
func (t *tenant) resigned(staff int) int64 {
	x := t.bits(drawResigned, uint64(staff), 0)
	switch {
	case staff == 0:
		return never
	case uint64(staff) >= t.staff.n:
		return t.staff.when(uint64(staff)) + dice.Wait(x, 300*day)
	case staff == 1 || t.bits(drawResigned, uint64(staff), 1)%100 < 3:
		return t.start - int64(dice.Unit(x)*40*day)
	default:
		return t.start + dice.Wait(x, 300*day)
	}
}

// employed reports whether the employee has been hired and not yet left.
func (t *tenant) employed(staff int, at int64) bool {
	s := uint64(staff)
	return (s < t.staff.n || t.staff.when(s) <= at) && at < t.resigned(staff)
}

// pick draws an employee, lower numbers more often.
func (t *tenant) pick(drawn uint64, at int64) int {
	n := t.staffCount(at)
	u := dice.Unit(drawn)
	begin := int(u * u * float64(n))
	for k := range n {
		if s := (begin + k) % n; t.employed(s, at) {
			return s
		}
	}
	return 0
}

// sales is who owns the group at the instant. Groups of somebody who left go on
// under his name until they are handed over, some days later.
func (t *tenant) sales(group uint64, created, at int64) int {
	from := created
	owner := t.pick(t.bits(drawFirstSales, group, 0), from)
	for hop := uint64(1); ; hop++ {
		x := t.bits(drawHandOver, group, hop)
		next := max(from, t.start) + dice.Wait(x, 300*day)
		if resigned := t.resigned(owner); resigned < next {
			next = resigned + dice.Wait(dice.Mix(x), 10*day)
		}
		if next > at {
			return owner
		}
		from = next
		owner = t.pick(t.bits(drawNextSales, group, hop), from)
	}
}

const chatIDLength = 32

// chatID is the group's opaque id: "wr", the corp, and its number in disguise.
func (t *tenant) chatID(group uint64) string {
	if group < uint64(len(t.shared)) {
		return t.shared[group].ChatID
	}
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], dice.Mix(group^t.bits(drawIDs, 0, 0)))
	binary.BigEndian.PutUint64(raw[8:], t.bits(drawCheck, group, 0))
	id := make([]byte, 0, chatIDLength)
	id = append(id, "wr"...)
	id = append(id, t.corp...)
	id = append(id, "AA"...)
	return string(base64.RawURLEncoding.AppendEncode(id, raw[:]))
}

// sharedNumber is the inverse of chatID for ids that were given.
func (t *tenant) sharedNumber(id string) (uint64, bool) {
	i := slices.IndexFunc(t.shared, func(s Shared) bool { return s.ChatID == id })
	return uint64(max(i, 0)), i >= 0
}

// drawnNumber is the inverse of chatID for ids that were drawn; false for others.
func (t *tenant) drawnNumber(id string) (uint64, bool) {
	if len(id) != chatIDLength {
		return 0, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(id[10:])
	if err != nil {
		return 0, false
	}
	group := dice.Unmix(binary.BigEndian.Uint64(raw)) ^ t.bits(drawIDs, 0, 0)
	return group, t.chatID(group) == id
}
