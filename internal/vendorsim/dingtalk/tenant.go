package dingtalk

import (
	"cmp"
	"encoding/base64"
	"encoding/binary"
	"slices"
	"sync"

	"syncd/internal/vendorsim/dice"
)

const (
	day = 24 * 60 * 60

	// milli makes milliseconds of seconds.
	milli = 1000
)

// draw names one kind of random decision, so that no two kinds share bits.
type draw uint64

const (
	drawIDs draw = iota + 1
	drawCheck
	drawBorn
	drawCreated
	drawMilli
	drawDissolved
	drawRelation
	drawSize
	drawDrift
	drawMembers
	drawOwner
	drawOwnerChange
	drawName
	drawRename
	drawUser
	drawInSet
	drawSetBorn
	drawSetCreated
	drawSetName
	drawSetChange
	drawManagers
	drawMessage
	drawMessageChat
	drawMessageKey
	drawReady
	drawRecall
	drawReads
	drawToken
	drawCursor
	drawRequest
	drawOdd
	drawUnlisted
)

// The two values of relationType.
const (
	RelationCustomer = "crm_customer"
	RelationPersonal = "crm_customer_personal"
)

// tenant is the made-up organisation. Its methods are pure functions of the seed,
// a number and an instant, in Unix seconds or, where the name says so, in
// milliseconds; the ledger only remembers what they said.
type tenant struct {
	opt      Options
	seed     uint64
	start    int64
	chats    dice.Arrivals
	sets     dice.Arrivals
	messages dice.Arrivals
	ledger   ledger
}

func newTenant(o Options) *tenant {
	t := &tenant{opt: o, seed: dice.Mix(o.Seed ^ dice.Text(0, o.CorpID)), start: o.Start.Unix()}
	// Each day brings 0.4 % more groups and 1 % more sets.
	t.chats = t.arrivals(drawBorn, o.Chats, day*250/int64(o.Chats))
	t.sets = t.arrivals(drawSetBorn, o.Sets, day*100/int64(max(o.Sets, 1)))
	t.messages = t.arrivals(drawMessage, o.Messages, day/int64(max(o.MessagesPerDay, 1)))
	t.ledger.open(t)
	return t
}

func (t *tenant) arrivals(kind draw, n int, gap int64) dice.Arrivals {
	return dice.Arrivals{Seed: t.seed, Kind: uint64(kind), N: uint64(n), Start: t.start, Gap: max(gap, 1)}
}

func (t *tenant) bits(d draw, a, b uint64) uint64 { return dice.Bits(t.seed, uint64(d), a, b) }

func (t *tenant) version(d draw, subject uint64, at, slot int64, permille uint64) uint64 {
	return dice.Version(t.seed, uint64(d), subject, max(at-t.start, 0), slot, permille)
}

// createdMillis is the gmtCreate of a group. Every fortieth shares it with the one
// before.
func (t *tenant) createdMillis(chat uint64) int64 {
	if chat%40 == 1 && chat != t.chats.N {
		chat--
	}
	part := int64(t.bits(drawMilli, chat, 0) % milli)
	if chat >= t.chats.N {
		return t.chats.When(chat)*milli - part // it has arrived by that second
	}
	return (t.start-day-int64(dice.Unit(t.bits(drawCreated, chat, 0))*900*day))*milli + part
}

// dissolved is when the group ends: every day one in 400 does.
func (t *tenant) dissolved(chat uint64) int64 {
	return max(t.createdMillis(chat)/milli+1, t.start) + dice.Wait(t.bits(drawDissolved, chat, 0), 400*day)
}

// personal reports whether the group belongs to individual customers.
func (t *tenant) personal(chat uint64) bool { return dice.Percent(t.bits(drawRelation, chat, 0), 33) }

func relation(personal bool) string {
	if personal {
		return RelationPersonal
	}
	return RelationCustomer
}

// members is the memberCount: it starts with a drawn size and drifts, in one of
// eight groups a day.
func (t *tenant) members(chat uint64, at int64) int {
	n := int(dice.Wait(t.bits(drawSize, chat, 0), int64(t.opt.MeanMembers-1)))
	if v := t.version(drawDrift, chat, at, day, 125); v > 0 {
		n += dice.Among(t.bits(drawMembers, chat, v), 11) - 5
	}
	return min(max(n, 2), t.opt.MaxMembers)
}

// owner is the number of the person who owns the group.
func (t *tenant) owner(chat uint64, at int64) uint64 {
	v := t.version(drawOwnerChange, chat, at, 60*day, 200)
	u := dice.Unit(t.bits(drawOwner, chat, v))
	return uint64(u * u * float64(t.opt.Owners))
}

// disguised is a number as 16 bytes that only its inverse can read.
func (t *tenant) disguised(kind draw, n uint64) []byte {
	raw := binary.BigEndian.AppendUint64(nil, dice.Mix(n^t.bits(drawIDs, uint64(kind), 0)))
	return binary.BigEndian.AppendUint64(raw, t.bits(drawCheck, uint64(kind), n))
}

func (t *tenant) undisguised(kind draw, raw []byte) (n uint64, ok bool) {
	if len(raw) < 16 {
		return 0, false
	}
	n = dice.Unmix(binary.BigEndian.Uint64(raw)) ^ t.bits(drawIDs, uint64(kind), 0)
	return n, slices.Equal(raw[:16], t.disguised(kind, n))
}

const chatPrefix = "cid"

// chatID is the openConversationId: base64 with + / and = in it.
func (t *tenant) chatID(chat uint64) string {
	return chatPrefix + base64.StdEncoding.EncodeToString(t.disguised(drawBorn, chat))
}

// chatNumber is the inverse of chatID; false for an id that is none.
func (t *tenant) chatNumber(id string) (uint64, bool) {
	if len(id) < len(chatPrefix) || id[:len(chatPrefix)] != chatPrefix {
		return 0, false
	}
	raw, err := base64.StdEncoding.Strict().DecodeString(id[len(chatPrefix):])
	if err != nil || len(raw) != 16 {
		return 0, false
	}
	return t.undisguised(drawBorn, raw)
}

// ledger remembers of every group what a list has to know of all of them.
type ledger struct {
	tenant *tenant

	mu   sync.Mutex
	rows []ledgerRow // by number
	// byTime are the numbers ordered by gmtCreate, then number.
	byTime []uint32
}

type ledgerRow struct {
	createdMillis   int64
	dissolvedMillis int64
	personal        bool
}

func (l *ledger) open(t *tenant) {
	l.tenant = t
	for n := range t.chats.N {
		l.add(n)
	}
	slices.SortFunc(l.byTime, byCreated(l.rows))
}

func (l *ledger) add(n uint64) {
	t := l.tenant
	l.rows = append(l.rows, ledgerRow{t.createdMillis(n), t.dissolved(n) * milli, t.personal(n)})
	l.byTime = append(l.byTime, uint32(n))
}

// byCreated orders numbers by gmtCreate, then number.
func byCreated(rows []ledgerRow) func(a, b uint32) int {
	return func(a, b uint32) int {
		return cmp.Or(cmp.Compare(rows[a].createdMillis, rows[b].createdMillis), cmp.Compare(a, b))
	}
}

// at returns all rows that there are at an instant, and their numbers by time.
// Neither is changed later; both may hold rows that are not there yet.
func (l *ledger) at(at int64) (rows []ledgerRow, byTime []uint32) {
	count := l.tenant.chats.Count(max(at, l.tenant.start))
	l.mu.Lock()
	defer l.mu.Unlock()
	// Later ones are never earlier by gmtCreate, but one may share it with the last.
	for n := uint64(len(l.rows)); n < count || l.tenant.createdMillis(n) <= at*milli; n++ {
		l.add(n)
	}
	return l.rows, l.byTime
}

// row is that of one group; false when it has never been there.
func (l *ledger) row(chat uint64, at int64) (ledgerRow, bool) {
	rows, _ := l.at(at)
	if chat >= uint64(len(rows)) || !rows[chat].born(at*milli, l.tenant.opt.ListLag.Milliseconds()) {
		return ledgerRow{}, false
	}
	return rows[chat], true
}

// born reports whether the group shows, or has shown, at an instant.
func (r *ledgerRow) born(atMillis, lagMillis int64) bool {
	return r.createdMillis+lagMillis <= atMillis
}

// gone reports whether it is dissolved.
func (r *ledgerRow) gone(atMillis int64) bool { return r.dissolvedMillis <= atMillis }
