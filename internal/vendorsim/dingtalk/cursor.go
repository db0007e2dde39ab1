package dingtalk

import (
	"encoding/base64"
	"encoding/binary"
	"sort"
	"time"

	"syncd/internal/vendorsim/dice"
)

// A cursor says where a list goes on, under which params it was born, and when.
// It is enciphered and carries a checksum: clients can do nothing but send it back.
// Its base64 holds + / and =.
type cursor struct {
	params uint64 // fingerprint of the params it is valid with
	next   uint64 // of [Options.Offsets], of readers: rows before it; else number of the last row + 1
	born   int64  // Unix seconds by the tenant's clock
}

const cursorBytes = 4 * 8 // nonce, params, next, born

func (t *tenant) seal(c cursor) string {
	nonce := t.bits(drawCursor, c.params^uint64(c.born), c.next)
	raw := binary.BigEndian.AppendUint64(nil, nonce)
	raw = binary.BigEndian.AppendUint64(raw, c.params^t.bits(drawCursor, nonce, 1))
	raw = binary.BigEndian.AppendUint64(raw, c.next^t.bits(drawCursor, nonce, 2))
	raw = binary.BigEndian.AppendUint64(raw, uint64(c.born)^t.bits(drawCursor, nonce, 3))
	for i := range nonce % 16 {
		raw = append(raw, byte(t.bits(drawCursor, nonce, 4+i)))
	}
	return base64.StdEncoding.EncodeToString(raw)
}

// unseal is the inverse of seal; false for a text that it did not make.
func (t *tenant) unseal(text string) (cursor, bool) {
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) < cursorBytes {
		return cursor{}, false
	}
	nonce := binary.BigEndian.Uint64(raw)
	c := cursor{
		params: binary.BigEndian.Uint64(raw[8:]) ^ t.bits(drawCursor, nonce, 1),
		next:   binary.BigEndian.Uint64(raw[16:]) ^ t.bits(drawCursor, nonce, 2),
		born:   int64(binary.BigEndian.Uint64(raw[24:]) ^ t.bits(drawCursor, nonce, 3)),
	}
	return c, t.seal(c) == text
}

// fingerprint folds what a cursor is bound to.
func fingerprint(endpoint string, params ...string) uint64 {
	x := dice.Text(0, endpoint)
	for _, p := range params {
		x = dice.Text(x, p)
	}
	return x
}

// listing is a request for a page of rows, which stand in their order.
type listing struct {
	params  uint64
	token   string
	limit   int
	rows    []uint32
	compare func(a, b uint32) int // the order of rows; nil for offsets
}

// page is a part of a listing.
type page struct {
	rows  []uint32
	total int
	more  bool
	next  string // goes on after the last row, also where there is none
}

// cut finds the page that a request is about. bad is the code for a cursor that
// was not made here, has grown too old or was born with other params.
func (s *Sim) cut(c *call, l listing, bad string) (page, refusal) {
	begin := 0
	if l.token != "" {
		from, ok := s.tenant.unseal(l.token)
		old := s.opt.CursorTTL > 0 && c.at.Sub(time.Unix(from.born, 0)) > s.opt.CursorTTL
		if !ok || old || from.params != l.params {
			return page{}, refusal{code: bad, message: "nextToken is not valid"}
		}
		begin = l.begin(from)
		if c.list.shift != 0 {
			begin = max(begin+c.list.shift, 0)
		}
	}
	begin = min(begin, len(l.rows))
	if c.list.hollow != 0 {
		return s.hollowPage(c, l, begin), refusal{}
	}
	end := min(begin+l.limit*max(c.list.stretch, 1), len(l.rows))
	p := page{rows: l.rows[begin:end], total: len(l.rows), more: end < len(l.rows)}
	p.next = s.tenant.seal(l.after(end, c.at.Unix()))
	return p, refusal{}
}

// begin is the index of the first row after a cursor.
func (l *listing) begin(from cursor) int {
	if l.compare == nil || from.next == 0 {
		return int(min(from.next, uint64(len(l.rows))))
	}
	last := uint32(from.next - 1)
	return sort.Search(len(l.rows), func(i int) bool { return l.compare(l.rows[i], last) > 0 })
}

// after is the cursor behind the first end rows.
func (l *listing) after(end int, now int64) cursor {
	c := cursor{params: l.params, next: uint64(end), born: now}
	if l.compare != nil && end > 0 {
		c.next = uint64(l.rows[end-1]) + 1
	}
	return c
}

// hollowPage is empty and leads to the same place, by a cursor that differs from
// those of other such pages.
func (s *Sim) hollowPage(c *call, l listing, begin int) page {
	next := l.after(begin, c.at.Unix()-int64(c.list.hollow))
	return page{total: len(l.rows), more: true, next: s.tenant.seal(next)}
}

// reversed turns an order around.
func reversed(compare func(a, b uint32) int) func(a, b uint32) int {
	return func(a, b uint32) int { return compare(b, a) }
}
