package dingtalk

import (
	"strconv"
	"strings"

	"syncd/internal/vendorsim/rawjson"
)

// quirks are the odd shapes of one object of an answer. Without [Options.Odd]
// there are none.
type quirks uint8

const (
	quirkQuoted  quirks = 1 << iota // numbers are strings
	quirkUnknown                    // fields that no document knows
	quirkNull                       // null for what would be absent

	noQuirks quirks = 0
)

// drawQuirks gives every eighth object some.
func (t *tenant) drawQuirks(kind draw, subject uint64) quirks {
	if !t.opt.Odd {
		return noQuirks
	}
	x := t.bits(drawOdd, uint64(kind), subject)
	if x%8 != 0 {
		return noQuirks
	}
	return quirks(x>>8) & (quirkQuoted | quirkUnknown | quirkNull)
}

// object is a JSON object as it is written.
type object struct {
	dst    []byte
	quirks quirks
}

func newObject(q quirks) *object { return &object{dst: []byte{'{'}, quirks: q} }

func (o *object) name(name string) {
	if len(o.dst) > 1 {
		o.dst = append(o.dst, ',')
	}
	o.dst = append(rawjson.AppendString(o.dst, name), ':')
}

func (o *object) raw(name string, value []byte) {
	o.name(name)
	o.dst = append(o.dst, value...)
}

func (o *object) text(name, value string) {
	o.name(name)
	o.dst = rawjson.AppendString(o.dst, value)
}

// optional leaves an empty text out.
func (o *object) optional(name, value string) {
	switch {
	case value != "":
		o.text(name, value)
	case o.quirks&quirkNull != 0:
		o.raw(name, []byte("null"))
	}
}

func (o *object) number(name string, value int64) {
	o.name(name)
	if o.quirks&quirkQuoted != 0 {
		o.dst = append(strconv.AppendInt(append(o.dst, '"'), value, 10), '"')
		return
	}
	o.dst = strconv.AppendInt(o.dst, value, 10)
}

func (o *object) flag(name string, value bool) {
	o.name(name)
	o.dst = strconv.AppendBool(o.dst, value)
}

func (o *object) end() []byte {
	if o.quirks&quirkUnknown != 0 {
		o.raw("bizExtra", []byte(`{"level":3,"labels":["a",null]}`))
	}
	return append(o.dst, '}')
}

// array joins values.
func array(values [][]byte) []byte {
	dst := []byte{'['}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, v...)
	}
	return append(dst, ']')
}

func texts(values []string) []byte {
	list := make([][]byte, len(values))
	for i, v := range values {
		list[i] = rawjson.AppendString(nil, v)
	}
	return array(list)
}

// chatFields writes a group with the fields in the order of the vendor's sample.
func (t *tenant) chatFields(c *Chat, detail bool) []byte {
	o := newObject(t.drawQuirks(drawBorn, c.number))
	o.text("openConversationId", c.ID)
	o.optional("openGroupSetId", c.SetID)
	o.text("ownerUserId", c.OwnerID)
	o.text("ownerUserName", c.OwnerName)
	o.text("name", c.Name)
	o.number("memberCount", int64(c.Members))
	o.number("gmtCreate", c.CreatedAt.UnixMilli())
	if detail {
		o.text("iconUrl", "https://static-legacy.dingtalk.com/media/"+c.ID[len(chatPrefix):len(chatPrefix)+6]+".png")
	}
	return o.end()
}

// minute is how times of group sets are written.
const minute = "2006-01-02T15:04Z"

func (t *tenant) setFields(s *Set, detail bool) []byte {
	n, _ := t.setNumber(s.ID)
	o := newObject(t.drawQuirks(drawSetBorn, n))
	ids := make([]string, len(s.Managers))
	managers := make([][]byte, len(s.Managers))
	for i, m := range s.Managers {
		ids[i], managers[i] = m.ID, m.fields()
	}
	o.text("openGroupSetId", s.ID)
	o.text("corpId", t.opt.CorpID) // in the vendor's sample, and in no table
	o.text("name", s.Name)
	o.text("relationType", s.RelationType)
	o.text("ownerUserId", s.Owner.ID)
	o.raw("owner", s.Owner.fields())
	o.text("managerUserIds", strings.Join(ids, ","))
	o.raw("manager", array(managers))
	o.number("memberQuota", int64(s.MemberQuota))
	o.number("memberCount", int64(s.MemberCount))
	o.number("groupChatCount", int64(s.ChatCount))
	o.text("notice", s.Notice)
	toped := int64(0)
	if s.NoticeOnTop {
		toped = 1
	}
	o.number("noticeToped", toped)
	o.text("templateId", s.TemplateID)
	o.optional("lastOpenConversationId", s.LastChatID)
	o.text("gmtCreate", s.CreatedAt.UTC().Format(minute))
	o.text("gmtModified", s.ModifiedAt.UTC().Format(minute))
	if detail {
		o.text("inviteLink", s.InviteLink)
	}
	return o.end()
}

func (u User) fields() []byte {
	o := newObject(noQuirks)
	o.text("userId", u.ID)
	o.text("name", u.Name)
	return o.end()
}

// pageFields ends a list: the last page has an empty cursor, none, or in an odd
// tenant a good one that leads nowhere.
func (s *Sim) pageFields(o *object, c *call, p *page) {
	o.flag("hasMore", p.more)
	x := s.tenant.bits(drawCursor, c.request.Seq, 0)
	switch {
	case p.more, s.opt.Odd && x%4 == 0:
		o.text("nextToken", p.next)
	case x%2 == 0:
		o.text("nextToken", "")
	}
}
