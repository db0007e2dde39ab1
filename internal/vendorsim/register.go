package vendorsim

import (
	"slices"
	"sync"
)

// register tells who owned which chats at an instant. The ledger beside it knows
// only the ends of days.
type register struct {
	tenant *tenant

	mu    sync.Mutex
	spans []*span // the one asked for last is last
}

const (
	spanDays = 32
	spansMax = 4
)

// span is who owned what in spanDays days in a row, by number of the staff.
type span struct {
	number int64 // its first day is number times spanDays
	owned  [][]ownership
}

// ownership is a chat and from when, until when exclusively, somebody had it.
type ownership struct {
	chat        uint64
	from, until int64
}

// owned appends the chats that the person had at the instant, by their numbers.
func (r *register) owned(dst []ownership, staff int, at int64) []ownership {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.span(dayOf(at) / spanDays)
	if staff >= len(s.owned) {
		return dst // not hired by the end of the span
	}
	for _, o := range s.owned[staff] {
		if o.from <= at && at < o.until {
			dst = append(dst, o)
		}
	}
	return dst
}

// span finds or makes a span and moves it to the end. The caller holds mu.
func (r *register) span(number int64) *span {
	i := slices.IndexFunc(r.spans, func(s *span) bool { return s.number == number })
	var s *span
	switch {
	case i >= 0:
		s = r.spans[i]
		r.spans = slices.Delete(r.spans, i, i+1)
	case len(r.spans) == spansMax:
		r.spans = slices.Delete(r.spans, 0, 1)
		fallthrough
	default:
		s = r.tenant.span(number)
	}
	r.spans = append(r.spans, s)
	return s
}

// span looks at every chat once.
func (t *tenant) span(number int64) *span {
	begin := dayBegins(number * spanDays)
	end := dayBegins((number+1)*spanDays) - 1
	s := &span{number: number, owned: make([][]ownership, t.staffCount(end))}
	var owners []tenure
	for chat := range t.chats.Count(max(end, t.start)) {
		if t.created(chat) > end {
			continue
		}
		owners, _ = t.tenures(owners[:0], chat, end)
		for i, o := range owners {
			if until := t.tenureEnds(chat, owners, i); o.from < until && until > begin {
				s.owned[o.staff] = append(s.owned[o.staff], ownership{chat, o.from, until})
			}
		}
	}
	return s
}
