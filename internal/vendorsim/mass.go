package vendorsim

import (
	"encoding/base64"
	"encoding/binary"
	"slices"
)

// Mass messages come one after another, at [Options.GroupMessages] a day, from
// messageHistory before the start on. Like everything else they are pure functions
// of seed, number and instant.

const (
	messageHistory = 200 * day
	// messageLife is after how long nothing about a message changes any more: who
	// has not sent it by then never does.
	messageLife = 6 * day
	// arrivalMax is after how long at most what a sender sent has arrived.
	arrivalMax = 10 * 60
)

// mass is one mass message.
type mass struct {
	number   uint64
	at       int64
	single   bool  // to customers, else to chats
	personal bool  // made by its only sender, else by the organisation
	creator  int   // of the staff; -1 for one made through the API
	tasked   int64 // when its tasks are there; before, it is being dispatched
	stopped  int64 // when it was cancelled
}

// massFirst is the number of the first message that was made at the instant or
// later.
func (t *tenant) massFirst(at int64) uint64 {
	n := uint64(max(at-t.masses.Start, 0) / t.masses.Gap)
	for n = max(n, 1) - 1; t.masses.When(n) < at; {
		n++
	}
	return n
}

// massCount is how many messages have been made by the instant.
func (t *tenant) massCount(at int64) uint64 {
	if t.masses.Gap == 0 || at < t.masses.Start {
		return 0
	}
	return t.masses.Count(at)
}

func (t *tenant) mass(number uint64) mass {
	x := t.bits(drawMass, number, 0)
	m := mass{number: number, at: t.masses.When(number), single: x%3 == 0, personal: x>>8%5 < 2, stopped: never}
	m.tasked = m.at + 20 + int64(x>>16%(9*60))
	switch {
	case m.personal:
		m.creator = t.drawnOwner(number, 0, m.at)
	case x>>32%3 == 0:
		m.creator = -1
	default:
		m.creator = t.pick(mix(x), int(x>>40%2), m.at)
	}
	if stopped := m.tasked + wait(t.bits(drawMass, number, 1), 18*60*60); x>>48%16 == 0 && !m.personal && stopped < m.at+messageLife {
		m.stopped = stopped
	}
	return m
}

// drawnOwner is who owns a chat that is drawn, and works here. Should none be
// found it is anybody who does.
func (t *tenant) drawnOwner(number, draw uint64, at int64) int {
	const tries = 8
	var some [4]tenure
	for try := range uint64(tries) {
		chat := t.bits(drawSender, number, draw*tries+try) % t.chats.Count(max(at, t.start))
		if at < t.created(chat) || at >= t.dissolved(chat) {
			continue
		}
		owners, _ := t.tenures(some[:0], chat, at)
		if owner := owners[len(owners)-1].staff; t.employed(owner, at) {
			return owner
		}
	}
	return t.pick(t.bits(drawSender, number, ^draw), int(number%2), at)
}

// senders are the people who are asked to send the message: one, a few, or in one
// case in ten everybody with a chat, as far as sixty draws find them.
func (t *tenant) senders(m *mass) []int {
	if m.personal {
		return []int{m.creator}
	}
	x := t.bits(drawSender, m.number, never)
	draws := 1 + x%8
	if x>>8%10 == 0 {
		draws = 60
	}
	var senders []int
	for draw := range draws {
		if one := t.drawnOwner(m.number, draw, m.at); !slices.Contains(senders, one) {
			senders = append(senders, one)
		}
	}
	return senders
}

// sends is when the sender presses the button; one in six never does, nor does who
// resigns or is told to stop first.
func (t *tenant) sends(m *mass, sender int) int64 {
	x := t.bits(drawSends, m.number, uint64(sender))
	at := m.tasked + wait(mix(x), 15*60*60)
	if x%6 == 0 || at > m.at+messageLife-arrivalMax || at >= min(m.stopped, t.resigned(sender)) {
		return never
	}
	return at
}

// target is whom a sender's message goes to: a chat, or a customer.
type target struct {
	chat   uint64
	person uint64
	until  int64 // when the sender loses the chat
}

// singleChats is from how many of a sender's chats the customers come.
const singleChats = 3

// targets are fixed when the message is made: all chats that the sender owns then,
// or the customers in few of them.
func (s *Sim) targets(m *mass, sender int) []target {
	t := s.tenant
	owned := s.register.owned(nil, sender, m.at)
	var targets []target
	if !m.single {
		for _, o := range owned {
			targets = append(targets, target{chat: o.chat, until: o.until})
		}
		return targets
	}
	known := map[uint64]bool{}
	begin := t.bits(drawTargets, m.number, uint64(sender))
	for k := range min(singleChats, len(owned)) {
		chat := owned[(begin%uint64(len(owned))+uint64(k))%uint64(len(owned))].chat
		owners, status := t.tenures(nil, chat, m.at)
		for _, p := range t.members(nil, chat, owners, status, m.at) {
			if !p.staff && !known[p.person] {
				known[p.person] = true
				targets = append(targets, target{person: p.person, until: never})
			}
		}
	}
	return targets
}

// The values of status in vendor doc 93338, of a task and of what became of it at
// one receiver.
const (
	taskOpen   = 0
	taskSent   = 2
	resultOpen = 0
	resultSent = 1
	resultLost = 2 // not a friend; of a chat, not the sender's any more
	resultFull = 3 // the receiver has had another mass message
)

// taskStatus is 2 for a task that is done. Odd tenants also have the 1 of the
// vendor's sample, and a 3.
func (t *tenant) taskStatus(m *mass, sender int, done bool) int {
	switch x := t.bits(drawSends, ^m.number, uint64(sender)); {
	case !done:
		return taskOpen
	case t.odd && x%4 == 0:
		return 1
	case t.odd && x%16 == 1:
		return 3
	}
	return taskSent
}

// result is what has become of the message at a receiver by the instant, and when
// it arrived there if it did. sent is when the sender sent it.
func (t *tenant) result(m *mass, to target, sent, at int64) (status int, arrived int64) {
	x := t.bits(drawResult, m.number, to.chat^mix(to.person))
	arrives := int64(never)
	if sent != never {
		arrives = sent + int64(x%arrivalMax)
	}
	switch {
	case at < arrives:
		return resultOpen, 0
	case to.until <= sent, m.single && x>>16%20 == 0:
		return resultLost, 0
	case x>>32%14 == 0:
		return resultFull, 0
	}
	return resultSent, arrives
}

// massID is the message's opaque id: "msgGC", the corp, and its number in disguise.
func (t *tenant) massID(number uint64) string {
	var raw [12]byte
	binary.BigEndian.PutUint64(raw[:], mix(number^t.bits(drawMassID, 0, 0)))
	binary.BigEndian.PutUint32(raw[8:], uint32(t.bits(drawMassID, number, 1)))
	return "msgGC" + t.corp + "A" + base64.RawURLEncoding.EncodeToString(raw[:])
}

// massNumber is the inverse of massID; false for an id that is none.
func (t *tenant) massNumber(id string) (uint64, bool) {
	const prefix = len("msgGC") + 6 + 1
	if len(id) != prefix+16 {
		return 0, false
	}
	raw, err := base64.RawURLEncoding.DecodeString(id[prefix:])
	if err != nil {
		return 0, false
	}
	number := unmix(binary.BigEndian.Uint64(raw)) ^ t.bits(drawMassID, 0, 0)
	return number, t.massID(number) == id
}

// asked reports whether the person is one of the message's senders.
func (t *tenant) asked(m *mass, staff int) bool { return slices.Contains(t.senders(m), staff) }
