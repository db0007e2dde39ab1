package store

import (
	"encoding/binary"
	"time"

	"github.com/cespare/xxhash/v2"

	"syncd/internal/model"
)

// mappingVersion salts every content hash. Raise it when a release maps a vendor
// field to another column, so that rows are written again.
const mappingVersion = 1

// hasher adds up the content of a row. Every value is framed, so that moving a
// byte from one column to the next changes the sum, and nil differs from "".
type hasher struct {
	row []byte
}

func newHasher() *hasher {
	h := &hasher{}
	h.number(mappingVersion)
	return h
}

func (h *hasher) sum() int64 { return int64(xxhash.Sum64(h.row)) } //nolint:gosec // the bits matter, not the sign

func (h *hasher) reset() {
	h.row = h.row[:0]
	h.number(mappingVersion)
}

func (h *hasher) frame(mark byte, n uint64) {
	h.row = append(h.row, mark)
	h.row = binary.LittleEndian.AppendUint64(h.row, n)
}

func (h *hasher) null()          { h.frame(0, 0) }
func (h *hasher) number(n int64) { h.frame(1, uint64(n)) } //nolint:gosec // the bits matter, not the sign

func (h *hasher) string(s string) {
	h.frame(2, uint64(len(s)))
	h.row = append(h.row, s...)
}

func (h *hasher) bytes(b []byte) {
	if b == nil {
		h.null()
		return
	}
	h.frame(2, uint64(len(b)))
	h.row = append(h.row, b...)
}

func (h *hasher) bool(b bool) {
	if b {
		h.number(1)
	} else {
		h.number(0)
	}
}

func (h *hasher) text(s *string) {
	if s == nil {
		h.null()
		return
	}
	h.string(*s)
}

func (h *hasher) int(n *int64) {
	if n == nil {
		h.null()
		return
	}
	h.number(*n)
}

func (h *hasher) time(t *time.Time) {
	if t == nil {
		h.null()
		return
	}
	h.number(t.UnixMicro())
}

func (h *hasher) chat(c model.Chat) {
	h.string(c.ID)
	for _, s := range []*string{
		c.Name, c.OwnerID, c.OwnerName, c.DepartmentName, c.Notice, c.GroupSetID, c.RelationType,
	} {
		h.text(s)
	}
	h.int(c.Status)
	h.int(c.MemberCount)
	h.time(c.CreatedAt)
	h.bytes(c.Extra)
}

func (h *hasher) member(m model.Member) {
	h.string(m.ID)
	h.time(&m.JoinedAt)
	for _, s := range []*string{m.Name, m.GroupNickname, m.UnionID, m.InvitorID, m.State} {
		h.text(s)
	}
	h.int(m.Type)
	h.int(m.JoinScene)
	h.bool(m.IsAdmin)
	h.bytes(m.Extra)
}

func (h *hasher) task(t model.SOPTask) {
	h.string(t.ID)
	h.string(t.ChatID)
	for _, s := range []*string{t.InfoID, t.Title, t.CreatorID, t.OwnerID, t.OwnerName} {
		h.text(s)
	}
	h.int(t.SendStatus)
	h.int(t.Mode)
	h.time(t.StartsAt)
	h.bytes(t.Extra)
}

func (h *hasher) groupSet(g model.GroupSet) {
	h.string(g.ID)
	for _, s := range []*string{g.Name, g.RelationType, g.OwnerID, g.Notice} {
		h.text(s)
	}
	for _, n := range []*int64{g.MemberQuota, g.MemberCount, g.ChatCount} {
		h.int(n)
	}
	h.time(g.CreatedAt)
	h.time(g.ChangedAt)
	h.bytes(g.Extra)
}

// hashBytes adds up what no release maps: filters, and elements that are kept as they
// came. It is not salted by [mappingVersion], which has changed nobody's filters: under
// others all that is held would be read anew.
func hashBytes(b []byte) int64 {
	h := &hasher{}
	h.number(1)
	h.bytes(b)
	return h.sum()
}
