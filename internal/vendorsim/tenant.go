package vendorsim

import (
	"encoding/base64"
	"encoding/binary"
	"math"
	"math/bits"
	"strconv"
	"time"

	"syncd/internal/vendorsim/dice"
)

const (
	day   = 24 * 60 * 60
	never = math.MaxInt64
)

// tenant is the made-up organisation. All its methods are pure functions of the
// seed, a number and an instant in Unix seconds, never before start.
type tenant struct {
	seed       uint64
	start      int64
	corp       string // six characters inside every id
	meanSize   int
	maxSize    int
	odd        bool
	chats      dice.Arrivals
	staff      dice.Arrivals
	masses     dice.Arrivals // no Gap is none ever
	peopleMask uint64        // customers are numbered 0 to peopleMask
}

func newTenant(o Options) *tenant {
	t := &tenant{
		seed:     o.Seed,
		start:    o.Start.Unix(),
		meanSize: o.MeanMembers,
		maxSize:  o.MaxMembers,
		odd:      o.Odd,
	}
	var corp uint64
	for _, c := range []byte(o.CorpID) {
		corp = mix(corp + uint64(c))
	}
	t.seed = mix(t.seed ^ corp)
	t.corp = base64.RawURLEncoding.EncodeToString(binary.BigEndian.AppendUint64(nil, corp))[:6]
	// Each day brings 0.4 % more chats and 0.3 % more staff.
	t.chats = dice.Arrivals{Seed: t.seed, Kind: uint64(drawBorn), N: uint64(o.Chats), Start: t.start, Gap: max(1, day*250/int64(o.Chats))}
	t.staff = dice.Arrivals{Seed: t.seed, Kind: uint64(drawHired), N: uint64(o.Owners), Start: t.start, Gap: max(1, day*333/int64(o.Owners))}
	if o.GroupMessages > 0 {
		t.masses = dice.Arrivals{Seed: t.seed, Kind: uint64(drawMassBorn), Start: t.start - messageHistory, Gap: day / int64(o.GroupMessages)}
	}
	people := max(1<<16, uint64(o.Chats)*uint64(o.MeanMembers))
	t.peopleMask = 1<<bits.Len64(people-1) - 1
	return t
}

// created is when the chat began.
func (t *tenant) created(chat uint64) int64 {
	if chat >= t.chats.N {
		return t.chats.When(chat)
	}
	return t.start - day - int64(unit(t.bits(drawCreated, chat, 0))*900*day)
}

// dissolved is when the chat ends: every day one in 400 does.
func (t *tenant) dissolved(chat uint64) int64 {
	return max(t.created(chat), t.start) + wait(t.bits(drawDissolved, chat, 0), 400*day)
}

// alive reports whether the chat exists at the instant.
func (t *tenant) alive(chat uint64, at int64) bool {
	return chat < t.chats.Count(at) && at < t.dissolved(chat)
}

// giant reports whether the chat is one of the largest.
func giant(chat uint64) bool { return chat%997 == 7 }

// size is how many members the chat has when all its first seats are taken.
func (t *tenant) size(chat uint64) int {
	if giant(chat) {
		return t.maxSize
	}
	n := int(wait(t.bits(drawSize, chat, 0), int64(t.meanSize-1)))
	return min(n, t.maxSize)
}

// Staff numbers 0 and 1 never resign, so that of each parity somebody is there.
// Even chats have owners with even numbers, odd chats with odd ones, and the
// other staff in a chat is of the other parity: nobody is both at once.

// resigned is when a person of the staff leaves the organisation.
func (t *tenant) resigned(staff int) int64 {
	s := uint64(staff)
	switch {
	case staff < 2:
		return never
	case s >= t.staff.N:
		return t.staff.When(s) + wait(t.bits(drawResigned, s, 0), 300*day)
	case staff == 2 || t.bits(drawEarlyLeaver, s, 0)%100 < 3:
		return t.start - int64(unit(t.bits(drawResigned, s, 0))*40*day)
	default:
		return t.start + wait(t.bits(drawResigned, s, 0), 300*day)
	}
}

// employed reports whether the person is in the directory at the instant.
func (t *tenant) employed(staff int, at int64) bool {
	s := uint64(staff)
	return (s < t.staff.N || t.staff.When(s) <= at) && at < t.resigned(staff)
}

// pick draws an employed person of the given parity, lower numbers more often.
func (t *tenant) pick(drawn uint64, parity int, at int64) int {
	half := (t.staffCount(at) - parity + 1) / 2
	u := unit(drawn)
	begin := int(u * u * float64(half))
	for k := range half {
		if s := 2*((begin+k)%half) + parity; t.employed(s, at) {
			return s
		}
	}
	return parity
}

// staffCount is how many people have ever been hired by the instant; before the
// start it is those of the start.
func (t *tenant) staffCount(at int64) int { return int(t.staff.Count(max(at, t.start))) }

// tenure is the time from which a person owns a chat.
type tenure struct {
	staff int
	from  int64
}

// The values of status in vendor doc 92120.
const (
	statusNormal    = 0
	statusResigned  = 1
	statusInherits  = 2
	statusInherited = 3
)

// tenures appends who has owned the chat until the instant, the current owner
// last, and returns the chat's status. While the status is resigned or
// inherits, that owner is not in the chat any more.
func (t *tenant) tenures(dst []tenure, chat uint64, at int64) (all []tenure, status int) {
	parity := int(chat % 2)
	from := t.created(chat)
	owner := t.pick(t.bits(drawFirstOwner, chat, 0), parity, from)
	dst = append(dst, tenure{owner, from})
	for hop := uint64(1); ; hop++ {
		resigns := t.resigned(owner)
		handsOver := max(from, t.start) + wait(t.bits(drawHandOver, chat, hop), 400*day)
		if min(resigns, handsOver) > at {
			return dst, status
		}
		from = handsOver
		if resigns <= handsOver {
			begins, ends := t.inheritance(chat, hop, resigns)
			if at < begins {
				return dst, statusResigned
			}
			if at < ends {
				return dst, statusInherits
			}
			from, status = ends, statusInherited
		}
		owner = t.pick(t.bits(drawNextOwner, chat, hop), parity, from)
		if owner != dst[len(dst)-1].staff {
			dst = append(dst, tenure{owner, from})
		}
	}
}

// inheritance is when the chat of an owner who resigned begins to pass to
// another and when it has passed. One in ten is forgotten.
func (t *tenant) inheritance(chat, hop uint64, resigned int64) (begins, ends int64) {
	if percent(t.bits(drawForgotten, chat, hop), 10) {
		return never, never
	}
	begins = resigned + wait(t.bits(drawInherit, chat, hop), 10*day)
	return begins, begins + wait(t.bits(drawInherit, chat, ^hop), 8*day)
}

// chatID is the chat's opaque id: "wr", the corp, and its number in disguise.
func (t *tenant) chatID(chat uint64) string {
	var raw [12]byte
	binary.BigEndian.PutUint64(raw[:], mix(chat^t.bits(drawIDs, 0, 0)))
	binary.BigEndian.PutUint32(raw[8:], uint32(t.bits(drawChatCheck, chat, 0)))
	id := make([]byte, 0, 30)
	id = append(id, "wr"...)
	id = append(id, t.corp...)
	id = append(id, "AA"...)
	id = base64.RawURLEncoding.AppendEncode(id, raw[:])
	return string(append(id, "AAAA"...))
}

// chatNumber is the inverse of chatID; false for an id that is none.
func (t *tenant) chatNumber(id string) (uint64, bool) {
	if len(id) != 30 {
		return 0, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(id[10:26])
	if err != nil {
		return 0, false
	}
	chat := unmix(binary.BigEndian.Uint64(raw)) ^ t.bits(drawIDs, 0, 0)
	return chat, t.chatID(chat) == id
}

// externalID is the id of a customer. Most begin with "wm" (WeChat users), some
// with "wo" (users of WeCom elsewhere), few are 32 hex digits.
func (t *tenant) externalID(person uint64) string {
	a, b := t.bits(drawPersonID, person, 0), t.bits(drawPersonID, person, 1)
	if a%100 == 99 {
		return hex128(a, b)
	}
	prefix := "wm"
	if fromWeCom(a) {
		prefix = "wo"
	}
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], a)
	binary.BigEndian.PutUint64(raw[8:], b)
	id := make([]byte, 0, 32)
	id = append(id, prefix...)
	id = append(id, t.corp...)
	id = append(id, "AA"...)
	return string(base64.RawURLEncoding.AppendEncode(id, raw[:]))
}

// fromWeCom reports whether the customer with these bits uses WeCom himself.
func fromWeCom(idBits uint64) bool { r := idBits % 100; return r >= 86 && r != 99 }

// unionID is "" for customers who use WeCom, and for three in ten others.
func (t *tenant) unionID(person uint64) string {
	x := t.bits(drawUnion, person, 0)
	if fromWeCom(t.bits(drawPersonID, person, 0)) || percent(x, 30) {
		return ""
	}
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], x)
	binary.BigEndian.PutUint64(raw[8:], t.bits(drawUnion, person, 1))
	return "ozynqs" + base64.RawURLEncoding.EncodeToString(raw[:])
}

// staffID is the userid of a person of the staff, in one of the styles that
// organisations use.
func (t *tenant) staffID(staff int) string {
	family, given := t.staffWords(staff)
	round := staff / (len(surnames) * len(givenNames))
	var id string
	switch t.bits(drawIDs, uint64(staff), 1) % 3 {
	case 0:
		id = family.pinyin + given.pinyin
	case 1:
		id = family.lower + "." + given.lower
	default:
		id = given.lower + "_" + family.lower
	}
	if round > 0 {
		id += "-" + strconv.Itoa(round)
	}
	return id
}

// staffName is the Chinese name that belongs to the userid.
func (t *tenant) staffName(staff int) string {
	family, given := t.staffWords(staff)
	return family.han + given.han
}

// staffWords goes through all pairs of family and given names before one comes
// again.
func (t *tenant) staffWords(staff int) (family, given word) {
	n := staff + int(t.seed%64)
	return surnames[n%len(surnames)], givenNames[(n+n/len(surnames))%len(givenNames)]
}

// hex128 is 32 hex digits.
func hex128(a, b uint64) string {
	const digits = "0123456789abcdef"
	var out [32]byte
	for i := range 16 {
		out[i] = digits[a>>(4*i)&15]
		out[16+i] = digits[b>>(4*i)&15]
	}
	return string(out[:])
}

func instant(unix int64) time.Time { return time.Unix(unix, 0).In(chinaTime) }
