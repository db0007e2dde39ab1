package vendorsim

import (
	"encoding/binary"
	"encoding/hex"
	"iter"
	"strconv"
	"time"
)

// Join ways are what brings members in with a state. Chats go by fifties, and
// those of a fifty whose members carry the same state belong to one way: a chat is
// in one way at most, while a state is shared by many.

const (
	wayChats    = 50 // chats among which one way has its own
	wayChatsMax = 5  // in chat_id_list, vendor doc 92229
)

// JoinWay is the truth about one way to join chats at one moment.
type JoinWay struct {
	// ID is the config_id, 32 hex digits.
	ID string
	// Scene is 1 for a button in a mini program, 2 for a QR code; odd tenants also
	// have 3, beside Type 3.
	Scene int
	// Type is 0 where the answer has no such field: everywhere but in odd tenants.
	Type   int
	Remark string
	// AutoCreateRoom is 1 where a full chat is followed by a new one, which is then
	// named RoomBaseName and numbered from RoomBaseID; otherwise these are absent.
	AutoCreateRoom int
	RoomBaseName   string
	RoomBaseID     int
	// ChatIDs are the chats it leads to, at most five, all of which exist.
	ChatIDs []string
	// QRCode is a URL, and "" where the answer has no such field.
	QRCode string
	// State stands beside the members who came this way; "" is none.
	State string
	// MarkSource is nil where the answer has no such field.
	MarkSource *bool
	CreatedAt  time.Time
	// DeletedAt is zero while the way can be read.
	DeletedAt time.Time

	quirks quirks
}

// wayOf is which of the ways of its fifty the chat belongs to, numbered as
// joinStates, and the last one without a state; -1 is none.
func (t *tenant) wayOf(chat uint64) int {
	x := t.bits(drawState, chat, never)
	switch {
	case percent(x, 30):
		return int(x >> 8 % uint64(len(joinStates)))
	case percent(x, 36):
		return len(joinStates)
	}
	return -1
}

func waysPerBlock() uint64 { return uint64(len(joinStates)) + 1 }

// wayChats appends the chats that have ever belonged to the way by the instant.
func (t *tenant) wayChats(dst []uint64, way uint64, at int64) []uint64 {
	first := way / waysPerBlock() * wayChats
	for chat := first; chat < first+wayChats; chat++ {
		if t.wayOf(chat) == int(way%waysPerBlock()) && t.created(chat) <= at {
			dst = append(dst, chat)
		}
	}
	return dst
}

// joinWay is the way with this number; false when there is none yet. One in eight
// is deleted in time; that changes nothing about the state of members, whenever
// they join.
func (t *tenant) joinWay(number uint64, at int64) (JoinWay, bool) {
	chats := t.wayChats(nil, number, at)
	if len(chats) == 0 {
		return JoinWay{}, false
	}
	created := int64(never)
	w := JoinWay{ID: t.wayID(number), ChatIDs: []string{}, quirks: t.drawQuirks(number, 1<<45)}
	for _, chat := range chats {
		created = min(created, t.created(chat))
		if at < t.dissolved(chat) && len(w.ChatIDs) < wayChatsMax {
			w.ChatIDs = append(w.ChatIDs, t.chatID(chat))
		}
	}
	w.CreatedAt = instant(created)
	if deleted := t.wayDeleted(number, created); deleted <= at {
		w.DeletedAt = instant(deleted)
	}
	if state := number % waysPerBlock(); state < uint64(len(joinStates)) {
		w.State = joinStates[state]
	}
	t.dressWay(&w, number)
	return w, true
}

func (t *tenant) wayDeleted(number uint64, created int64) int64 {
	x := t.bits(drawJoinWay, number, 0)
	if x%8 != 0 {
		return never
	}
	return max(created, t.start-20*day) + wait(mix(x), 60*day)
}

// dressWay draws what has nothing to do with chats.
func (t *tenant) dressWay(w *JoinWay, number uint64) {
	x := t.bits(drawJoinWay, number, 1)
	w.Scene = 1 + int(x%2)
	if t.odd && x>>4%4 == 0 {
		w.Scene, w.Type = 3, 3
	}
	if w.Scene != 1 {
		w.QRCode = "https://example.invalid/qr/" + strconv.FormatUint(x>>40, 36)
	}
	w.Remark = wayRemarks[x>>8%uint64(len(wayRemarks))] + t.oddText(number|1<<45, 0)
	if x>>16%3 == 0 {
		w.AutoCreateRoom = 1
		w.RoomBaseName = regions[x>>20%uint64(len(regions))] + topics[x>>26%uint64(len(topics))]
		w.RoomBaseID = 1 + among(x>>32, 20)
	}
	if x>>48%3 != 0 {
		mark := x>>50%2 == 0
		w.MarkSource = &mark
	}
}

// wayID is the config_id of the way: its number in disguise, and a check.
func (t *tenant) wayID(number uint64) string {
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:], mix(number^t.bits(drawJoinWayID, 0, 0)))
	binary.BigEndian.PutUint64(raw[8:], t.bits(drawJoinWayID, number, 1))
	return hex.EncodeToString(raw[:])
}

// wayNumber is the inverse of wayID; false for an id that is none.
func (t *tenant) wayNumber(id string) (uint64, bool) {
	raw, err := hex.DecodeString(id)
	if err != nil || len(raw) != 16 {
		return 0, false
	}
	number := unmix(binary.BigEndian.Uint64(raw)) ^ t.bits(drawJoinWayID, 0, 0)
	return number, t.wayID(number) == id
}

// JoinWay is the truth about the join way with this config_id at an instant not
// before the start; false for one that never was. One that was deleted is told
// with the instant of it.
func (s *Sim) JoinWay(id string, at time.Time) (JoinWay, bool) {
	number, ok := s.tenant.wayNumber(id)
	if !ok {
		return JoinWay{}, false
	}
	return s.tenant.joinWay(number, at.Unix())
}

// JoinWays are all join ways that were ever made by an instant not before the
// start, the deleted ones too. The vendor has no such list: whoever made a way is
// expected to know its config_id.
func (s *Sim) JoinWays(at time.Time) iter.Seq[JoinWay] {
	return func(yield func(JoinWay) bool) {
		t, unix := s.tenant, at.Unix()
		blocks := (t.chats.Count(unix) + wayChats - 1) / wayChats
		for number := range blocks * waysPerBlock() {
			if w, made := t.joinWay(number, unix); made && !yield(w) {
				return
			}
		}
	}
}

// wayRequest is the body of vendor doc 92229.
type wayRequest struct {
	ConfigID string `json:"config_id"`
}

// joinWay answers vendor doc 92229. The documents give the codes for contact ways,
// which share their quota with join ways; a way that was deleted is as unknown as
// one of another app.
func (s *Sim) joinWay(c *call) ([]byte, refusal) {
	var r wayRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	if r.ConfigID == "" {
		return nil, refusal{code: codeNoConfigID}
	}
	w, made := s.JoinWay(r.ConfigID, c.at)
	if !made || !w.DeletedAt.IsZero() {
		return nil, refusal{code: codeBadConfigID}
	}
	body := []byte(`{"errcode":0,"errmsg":"ok","join_way":`)
	return append(appendJoinWay(body, &w), '}'), refusal{}
}

// appendJoinWay appends the join_way object, with the fields in the order of its
// sample.
func appendJoinWay(dst []byte, w *JoinWay) []byte {
	text := func(name, value string) {
		dst = append(dst, `,"`+name+`":`...)
		dst = appendString(dst, value)
	}
	count := func(name string, n int) {
		dst = append(dst, `,"`+name+`":`...)
		dst = appendNumber(dst, int64(n), w.quirks)
	}
	dst = append(dst, `{"config_id":`...)
	dst = appendString(dst, w.ID)
	if w.Type != 0 {
		count("type", w.Type)
	}
	count("scene", w.Scene)
	text("remark", w.Remark)
	count("auto_create_room", w.AutoCreateRoom)
	if w.AutoCreateRoom == 1 {
		text("room_base_name", w.RoomBaseName)
		count("room_base_id", w.RoomBaseID)
	} else if w.quirks&quirkNull != 0 {
		dst = append(dst, `,"room_base_name":null,"room_base_id":null`...)
	}
	dst = append(dst, `,"chat_id_list":[`...)
	for i, id := range w.ChatIDs {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendString(dst, id)
	}
	dst = append(dst, ']')
	if w.QRCode != "" {
		text("qr_code", w.QRCode)
	}
	if w.State != "" {
		text("state", w.State)
	}
	if w.MarkSource != nil {
		dst = strconv.AppendBool(append(dst, `,"mark_source":`...), *w.MarkSource)
	}
	if w.quirks&quirkUnknown != 0 {
		dst = append(dst, `,"is_temp":false,"style":{"color":3}`...)
	}
	return append(dst, '}')
}
