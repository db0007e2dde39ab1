package dingtalk

import (
	"cmp"
	"encoding/base64"
	"slices"
	"strconv"
	"time"

	"syncd/internal/vendorsim/dice"
)

// The values of sendStatus.
const (
	StatusProcessing = "PROCESSING"
	StatusSuccess    = "SUCCESS"
	StatusRecalled   = "RECALLED"
)

// Message is a robot message as its sender knows it.
type Message struct {
	// Key is the processQueryKey.
	Key, ChatID, RobotCode string
	SentAt                 time.Time
}

// MessageState is the truth about a message at an instant.
type MessageState struct {
	Message
	// Ready is false while it is too young for its readers to be asked for, Expired
	// is true when it is too old.
	Ready, Expired bool
	Status         string
	// Readers are the userids of those who have read it, first readers first.
	Readers []string
}

// message is what is drawn of a message, in Unix seconds.
type message struct {
	number, chat                    uint64
	sent, ready, delivered, recalls int64 // recalls 0: never
}

const robotCount = 3

// robotCode is that of one of the organisation's robots.
func (t *tenant) robotCode(robot uint64) string {
	return "ding" + strconv.FormatUint(t.bits(drawIDs, uint64(drawMessage), robot)|1<<63, 36)
}

func (t *tenant) messageRobot(number uint64) string {
	return t.robotCode(t.bits(drawMessageChat, number, 1) % robotCount)
}

// messageCount is how many have been sent by an instant.
func (t *tenant) messageCount(at int64) uint64 {
	if t.opt.MessagesPerDay == 0 {
		return t.messages.N
	}
	return t.messages.Count(max(at, t.start))
}

// message draws one; it was sent to a group that was there then.
func (t *tenant) message(number uint64) message {
	m := message{number: number}
	if number < t.messages.N {
		m.sent = t.start - int64(t.bits(drawMessage, number, 0)%(2*day))
	} else {
		m.sent = t.messages.When(number)
	}
	rows, _ := t.ledger.at(m.sent)
	known := t.chats.N
	if m.sent > t.start {
		known = t.chats.Count(m.sent)
	}
	for try := range uint64(64) {
		m.chat = t.bits(drawMessageChat, number, 2+try) % known
		if rows[m.chat].createdMillis < m.sent*milli && !rows[m.chat].gone(m.sent*milli) {
			break
		}
	}
	x := t.bits(drawReady, number, 0)
	within := int64(t.opt.ReadyAfter / time.Second)
	m.ready = m.sent + int64(x%uint64(within))
	m.delivered = m.ready + int64(x>>32%uint64(within))
	if r := t.bits(drawRecall, number, 0); dice.Percent(r, 4) {
		m.recalls = m.delivered + 60 + int64(r>>32%7200)
	}
	return m
}

func (m *message) status(at int64) string {
	switch {
	case m.recalls > 0 && at >= m.recalls:
		return StatusRecalled
	case at < m.delivered:
		return StatusProcessing
	}
	return StatusSuccess
}

// readers are those who have read the message by an instant, in that order: of
// the group's members when it was sent five in six read it some time, most within
// hours. After it is recalled nobody does.
func (t *tenant) readers(m *message, at int64) []string {
	type reading struct {
		at     int64
		member uint64
	}
	if m.recalls > 0 {
		at = min(at, m.recalls-1)
	}
	var list []reading
	for member := range uint64(t.members(m.chat, m.sent)) {
		x := t.bits(drawReads, m.number, member)
		if x%6 == 0 {
			continue
		}
		if reads := m.delivered + dice.Wait(x, 2*60*60); reads <= at {
			list = append(list, reading{reads, member})
		}
	}
	slices.SortFunc(list, func(a, b reading) int {
		return cmp.Or(cmp.Compare(a.at, b.at), cmp.Compare(a.member, b.member))
	})
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = t.memberID(m.chat, r.member)
	}
	return ids
}

// memberID is the userid of somebody in a group.
func (t *tenant) memberID(chat, member uint64) string {
	return strconv.FormatUint(1e18+dice.Mix(t.bits(drawUser, 0, 2)^(chat<<16|member))%1e18, 10)
}

// messageKey is the processQueryKey.
func (t *tenant) messageKey(number uint64) string {
	raw := append(t.disguised(drawMessageKey, number), t.disguised(drawMessage, number)...)
	return base64.StdEncoding.EncodeToString(raw)
}

// messageNumber is the inverse of messageKey; false for a key that is none.
func (t *tenant) messageNumber(key string) (uint64, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(key)
	if err != nil || len(raw) != 32 {
		return 0, false
	}
	n, ok := t.undisguised(drawMessageKey, raw)
	return n, ok && slices.Equal(raw[16:], t.disguised(drawMessage, n))
}
