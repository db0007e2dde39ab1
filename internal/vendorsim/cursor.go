package vendorsim

import (
	"encoding/base64"
	"encoding/binary"
	"time"
)

// A cursor says where a listing goes on, under which params it was born, and
// when. It is enciphered, carries a checksum and has many lengths: clients can do
// nothing but send it back.
type cursor struct {
	params uint64 // fingerprint of the params it is valid with
	next   uint64 // number of the first chat not yet looked at
	born   time.Time
}

const cursorBytes = 4 * 8 // nonce, params, next, born

// seal makes the text of a cursor, between 44 and 64 characters.
func (t *tenant) seal(c cursor) string {
	born := uint64(c.born.Unix())
	nonce := t.bits(drawCursor, c.params^born, c.next)
	raw := make([]byte, 0, cursorBytes+16)
	raw = binary.BigEndian.AppendUint64(raw, nonce)
	raw = binary.BigEndian.AppendUint64(raw, c.params^t.bits(drawCursor, nonce, 1))
	raw = binary.BigEndian.AppendUint64(raw, c.next^t.bits(drawCursor, nonce, 2))
	raw = binary.BigEndian.AppendUint64(raw, born^t.bits(drawCursor, nonce, 3))
	for i := range nonce % 16 {
		raw = append(raw, byte(t.bits(drawCursor, nonce, 4+i)))
	}
	return base64.URLEncoding.EncodeToString(raw)
}

// unseal is the inverse of seal; false for a text that it did not make.
func (t *tenant) unseal(text string) (cursor, bool) {
	raw, err := base64.URLEncoding.DecodeString(text)
	if err != nil || len(raw) < cursorBytes {
		return cursor{}, false
	}
	nonce := binary.BigEndian.Uint64(raw)
	c := cursor{
		params: binary.BigEndian.Uint64(raw[8:]) ^ t.bits(drawCursor, nonce, 1),
		next:   binary.BigEndian.Uint64(raw[16:]) ^ t.bits(drawCursor, nonce, 2),
		born:   time.Unix(int64(binary.BigEndian.Uint64(raw[24:])^t.bits(drawCursor, nonce, 3)), 0),
	}
	return c, t.seal(c) == text
}
