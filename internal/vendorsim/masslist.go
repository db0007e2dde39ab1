package vendorsim

import (
	"time"

	"syncd/internal/vendorsim/dice"
)

// The values of chat_type in vendor doc 96355.
const (
	chatTypeSingle = "single"
	chatTypeGroup  = "group"
)

// The values of filter_type in vendor doc 96355.
const (
	filterCompany  = 0
	filterPersonal = 1
	filterAll      = 2
)

// massListRequest is the body of vendor doc 96355.
type massListRequest struct {
	ChatType   string `json:"chat_type"` // its default is single, though it is said to be required
	Start      *int64 `json:"start_time"`
	End        *int64 `json:"end_time"`
	Creator    string `json:"creator"`
	FilterType *int64 `json:"filter_type"`

	paging
}

// check refuses what breaks a documented rule, and fills in the defaults. No
// document has codes; these are the general ones.
func (r *massListRequest) check() refusal {
	setDefault(&r.ChatType, chatTypeSingle)
	if r.FilterType == nil {
		all := int64(filterAll)
		r.FilterType = &all
	}
	switch {
	case r.Start == nil || r.End == nil:
		return refusal{code: codeEmptyParameter}
	case r.ChatType != chatTypeSingle && r.ChatType != chatTypeGroup:
		return refusal{code: codeBadArgument}
	case *r.FilterType < filterCompany || *r.FilterType > filterAll:
		return refusal{code: codeBadArgument}
	case !withinMonth(*r.Start, *r.End):
		return refusal{code: codeBadTime}
	}
	return refusal{}
}

// withinMonth reports whether the times are in order and at most one month of the
// calendar in China apart. No document says how long a month is; of 28 days a
// client can be sure. Milliseconds are no time at all.
func withinMonth(begin, end int64) bool {
	const farthest = 1 << 36
	if begin < 0 || begin > farthest || end < begin {
		return false
	}
	from := instant(begin)
	until := from.AddDate(0, 1, 0)
	if until.Day() != from.Day() { // that day is not in the next month: its last day is
		until = until.AddDate(0, 0, -until.Day())
	}
	return end <= until.Unix()
}

// fingerprint is the same for requests that differ in limit and cursor only.
func (r *massListRequest) fingerprint() uint64 {
	x := dice.Text(dice.Text(dice.Text(0, EndpointMessages), r.ChatType), r.Creator)
	return mix(mix(x^uint64(*r.FilterType)) + mix(uint64(*r.Start)) + 3*mix(uint64(*r.End)))
}

var massListSize = pageSize{usual: 50, most: 100}

// massList answers vendor doc 96355. What was made at start_time or end_time itself
// is in the list, which is in the order of time; no document says either.
func (s *Sim) massList(c *call) ([]byte, refusal) {
	var r massListRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	if bad := r.check(); bad.code != codeOK {
		return nil, bad
	}
	creator := -1
	if r.Creator != "" {
		var bad refusal
		if creator, bad = s.namedStaff(r.Creator, c.at); bad.code != codeOK {
			return nil, bad
		}
	}
	found := s.massesBetween(&r, creator, c.at.Add(-c.listedLate).Unix())
	p, bad := s.page(c, r.paging, massListSize, r.fingerprint(), len(found))
	if bad.code != codeOK {
		return nil, bad
	}
	return answerList("group_msg_list", found[p.from:p.to], p.tail, func(dst []byte, m *mass) []byte {
		told := s.tenant.message(m, c.at.Unix())
		return appendMessage(dst, &told)
	}), refusal{}
}

// namedStaff finds the person of a request. Who has resigned is refused as in
// statistics, see [ResignedRule].
func (s *Sim) namedStaff(id string, at time.Time) (int, refusal) {
	n, known := s.stats.directory.staff(s.tenant, id, at.Unix())
	if !known || s.opt.Resigned == ResignedUnfiltered && !s.tenant.employed(n, at.Unix()) {
		return 0, refusal{code: codeBadUserID}
	}
	return n, refusal{}
}

// massesBetween are the messages asked for that are made by an instant. A creator below 0
// is anybody.
func (s *Sim) massesBetween(r *massListRequest, creator int, by int64) []mass {
	t := s.tenant
	var found []mass
	until := t.massCount(min(*r.End, by))
	if until == 0 {
		return nil
	}
	for number := t.massFirst(*r.Start); number < until; number++ {
		m := t.mass(number)
		switch {
		case m.single != (r.ChatType == chatTypeSingle):
		case *r.FilterType == filterCompany && m.personal, *r.FilterType == filterPersonal && !m.personal:
		case creator >= 0 && m.creator != creator:
		default:
			found = append(found, m)
		}
	}
	return found
}

// appendMessage appends an element of group_msg_list. Odd tenants have create_time
// as a string, as the vendor's sample does.
func appendMessage(dst []byte, m *Message) []byte {
	dst = append(dst, `{"msgid":`...)
	dst = appendString(dst, m.ID)
	switch {
	case m.Creator != "":
		dst = append(dst, `,"creator":`...)
		dst = appendString(dst, m.Creator)
	case m.quirks&quirkNull != 0:
		dst = append(dst, `,"creator":null`...)
	}
	dst = append(dst, `,"create_time":`...)
	dst = appendInstant(dst, m.CreatedAt, m.quirks)
	dst = append(dst, `,"create_type":`...)
	dst = appendNumber(dst, int64(m.CreateType), m.quirks)
	switch {
	case m.Text != nil:
		dst = append(dst, `,"text":{"content":`...)
		dst = append(appendString(dst, *m.Text), '}')
	case m.quirks&quirkNull != 0:
		dst = append(dst, `,"text":null`...)
	}
	switch {
	case m.Attachments != "":
		dst = append(dst, `,"attachments":`...)
		dst = append(dst, m.Attachments...)
	case m.quirks&quirkNull != 0:
		dst = append(dst, `,"attachments":null`...)
	}
	if m.quirks&quirkUnknown != 0 {
		dst = append(dst, `,"send_scope":{"all":true,"tags":[1,null]}`...)
	}
	return append(dst, '}')
}
