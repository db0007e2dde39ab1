package vendorsim

import (
	"strconv"
	"time"

	"syncd/internal/vendorsim/rawjson"
)

// appendString appends a JSON string, see package rawjson.
func appendString(dst []byte, s string) []byte { return rawjson.AppendString(dst, s) }

// appendNumber appends a number, as a string when the object is quirky so.
func appendNumber(dst []byte, n int64, q quirks) []byte {
	if q&quirkQuoted == 0 {
		return strconv.AppendInt(dst, n, 10)
	}
	dst = append(dst, '"')
	return append(strconv.AppendInt(dst, n, 10), '"')
}

// appendInstant appends Unix seconds, and 0 for the zero time.
func appendInstant(dst []byte, at time.Time, q quirks) []byte {
	if at.IsZero() {
		return appendNumber(dst, 0, q)
	}
	return appendNumber(dst, at.Unix(), q)
}

// appendUser appends {"userid":…}.
func appendUser(dst []byte, id string) []byte {
	dst = append(dst, `{"userid":`...)
	return append(appendString(dst, id), '}')
}

// appendChat appends the group_chat object of vendor doc 92122, with the fields
// in the order of its sample.
func appendChat(dst []byte, c *Chat, withNames bool) []byte {
	dst = append(dst, `{"chat_id":`...)
	dst = appendString(dst, c.ID)
	dst = append(dst, `,"name":`...)
	dst = appendString(dst, c.Name)
	dst = append(dst, `,"owner":`...)
	dst = appendString(dst, c.Owner)
	dst = append(dst, `,"create_time":`...)
	dst = appendInstant(dst, c.CreatedAt, c.quirks)
	switch {
	case c.Notice != nil:
		dst = append(dst, `,"notice":`...)
		dst = appendString(dst, *c.Notice)
	case c.quirks&quirkNull != 0:
		dst = append(dst, `,"notice":null`...)
	}
	dst = append(dst, `,"member_list":[`...)
	for i := range c.Members {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendMember(dst, &c.Members[i], withNames)
	}
	dst = append(dst, ']')
	dst = appendAdmins(dst, c)
	if c.MemberVersion != "" {
		dst = append(dst, `,"member_version":`...)
		dst = appendString(dst, c.MemberVersion)
	}
	if c.quirks&quirkUnknown != 0 {
		dst = append(dst, `,"group_flags":{"muted":false,"labels":["a",1,null]},"quota":500`...)
	}
	return append(dst, '}')
}

func appendAdmins(dst []byte, c *Chat) []byte {
	if c.Admins == nil {
		if c.quirks&quirkNull != 0 {
			dst = append(dst, `,"admin_list":null`...)
		}
		return dst
	}
	dst = append(dst, `,"admin_list":[`...)
	for i, id := range c.Admins {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendUser(dst, id)
	}
	return append(dst, ']')
}

// appendMember appends one element of member_list.
func appendMember(dst []byte, m *Member, withName bool) []byte {
	dst = append(dst, `{"userid":`...)
	dst = appendString(dst, m.ID)
	dst = append(dst, `,"type":`...)
	dst = appendNumber(dst, int64(m.Type), m.quirks)
	if m.UnionID != "" {
		dst = append(dst, `,"unionid":`...)
		dst = appendString(dst, m.UnionID)
	}
	dst = append(dst, `,"join_time":`...)
	dst = appendInstant(dst, m.JoinedAt, m.quirks)
	dst = append(dst, `,"join_scene":`...)
	dst = appendNumber(dst, int64(m.JoinScene), m.quirks)
	switch {
	case m.Invitor != "":
		dst = append(dst, `,"invitor":`...)
		dst = appendUser(dst, m.Invitor)
	case m.quirks&quirkNull != 0:
		dst = append(dst, `,"invitor":null`...)
	}
	dst = append(dst, `,"group_nickname":`...)
	dst = appendString(dst, m.GroupNickname)
	if withName {
		dst = append(dst, `,"name":`...)
		dst = appendString(dst, m.Name)
	}
	if m.State != "" {
		dst = append(dst, `,"state":`...)
		dst = appendString(dst, m.State)
	}
	if m.quirks&quirkUnknown != 0 {
		dst = append(dst, `,"corp_name":"示例","join_way":{"id":7}`...)
	}
	return append(dst, '}')
}
