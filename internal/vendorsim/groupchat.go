package vendorsim

import (
	"sync"
	"time"

	"github.com/go-json-experiment/json"
)

const (
	listLimitMax   = 1000
	ownerFilterMax = 100
)

// index holds, for one instant, what the list needs of every chat, so that a
// page does not look at each chat anew.
type index struct {
	at        int64
	status    []int8 // gone where the chat does not exist
	owner     []int32
	staff     map[string]int32
	employed  []bool
	followers int
}

const gone = -1

// indexes keeps the index of the latest instant asked for.
type indexes struct {
	mu   sync.Mutex
	last *index
}

func (x *indexes) at(t *tenant, at int64) *index {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.last == nil || x.last.at != at {
		x.last = t.index(at)
	}
	return x.last
}

// index looks at every chat and every person once.
func (t *tenant) index(at int64) *index {
	chats, staff := t.chats.Count(at), t.staffCount(at)
	x := &index{
		at:       at,
		status:   make([]int8, chats),
		owner:    make([]int32, chats),
		staff:    make(map[string]int32, staff),
		employed: make([]bool, staff),
	}
	for s := range staff {
		x.staff[t.staffID(s)] = int32(s)
		if t.employed(s, at) {
			x.employed[s] = true
			x.followers++
		}
	}
	var owners []tenure
	for n := range chats {
		if at >= t.dissolved(n) {
			x.status[n] = gone
			continue
		}
		var status int
		owners, status = t.tenures(owners[:0], n, at)
		x.status[n], x.owner[n] = int8(status), int32(owners[len(owners)-1].staff)
	}
	return x
}

// followUsers answers vendor doc 92571.
func (s *Sim) followUsers(c *call) []byte {
	x := s.indexes.at(s.tenant, c.at.Unix())
	body := []byte(`{"errcode":0,"errmsg":"ok","follow_user":[`)
	comma := false
	for staff, employed := range x.employed {
		if !employed {
			continue
		}
		if comma {
			body = append(body, ',')
		}
		body, comma = appendString(body, s.tenant.staffID(staff)), true
	}
	return append(body, "]}"...)
}

// listRequest is the body of vendor doc 92120. Clients in the wild send null for
// an absent userid_list and "" for an absent cursor.
type listRequest struct {
	StatusFilter int64 `json:"status_filter"`
	OwnerFilter  struct {
		UserIDs []string `json:"userid_list"`
	} `json:"owner_filter"`
	Cursor string `json:"cursor"`
	Limit  *int64 `json:"limit"`
}

// fingerprint is the same for requests that differ in the cursor only.
func (r *listRequest) fingerprint() uint64 {
	x := mix(uint64(r.StatusFilter)<<32 | uint64(*r.Limit))
	for _, id := range r.OwnerFilter.UserIDs {
		for _, c := range []byte(id) {
			x = mix(x + uint64(c))
		}
		x = mix(^x)
	}
	return x
}

// check refuses what breaks a documented rule.
func (r *listRequest) check() refusal {
	switch {
	case r.Limit == nil:
		return refusal{code: codeEmptyParameter}
	case *r.Limit < 1 || *r.Limit > listLimitMax:
		return refusal{code: codeBadRequest}
	case r.StatusFilter < 0 || r.StatusFilter > statusInherited:
		return refusal{code: codeBadArgument}
	case len(r.OwnerFilter.UserIDs) > ownerFilterMax:
		return refusal{code: codeBadUserList}
	}
	return refusal{}
}

// decode reads a request body. Unknown fields are refused, which the vendor is
// not known to do: they are how a misspelt filter shows.
func decode(body []byte, into any) refusal {
	if len(body) == 0 {
		return refusal{code: codeEmptyParameter}
	}
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return refusal{code: codeBadRequest, warning: wrongJSON}
	}
	return refusal{}
}

// list answers vendor doc 92120.
func (s *Sim) list(c *call) ([]byte, refusal) {
	var r listRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	if bad := r.check(); bad.code != codeOK {
		return nil, bad
	}
	x := s.indexes.at(s.tenant, c.at.Unix())
	wanted, bad := s.owners(x, r.OwnerFilter.UserIDs)
	if bad.code != codeOK {
		return nil, bad
	}
	from := cursor{params: r.fingerprint()}
	if r.Cursor != "" {
		if from, bad = s.resume(r.Cursor, from.params, c.at); bad.code != codeOK {
			return nil, bad
		}
	}
	if c.list.hollow != 0 {
		return s.hollowPage(from, c.list.hollow, c.at), refusal{}
	}
	limit := c.list.apply(&from, *r.Limit, r.Cursor != "")
	r.Limit = &limit
	return s.listPage(x, &r, wanted, from, c.at), refusal{}
}

// owners resolves the owner filter; nil is everybody.
func (s *Sim) owners(x *index, ids []string) (map[int32]bool, refusal) {
	if len(ids) == 0 {
		if x.followers > s.opt.VisibleMax {
			return nil, refusal{code: codeTooManyPeople}
		}
		return nil, refusal{}
	}
	wanted := make(map[int32]bool, len(ids))
	for _, id := range ids {
		staff, known := x.staff[id]
		if !known || !x.employed[staff] && s.opt.Resigned == ResignedUnfiltered {
			return nil, refusal{code: codeBadUserID}
		}
		wanted[staff] = true
	}
	return wanted, refusal{}
}

// resume reads a cursor. One that was not made here, has grown too old or was
// born with other params is refused.
func (s *Sim) resume(text string, params uint64, now time.Time) (cursor, refusal) {
	from, ok := s.tenant.unseal(text)
	old := s.opt.CursorTTL > 0 && now.Sub(from.born) > s.opt.CursorTTL
	if !ok || old || from.params != params {
		return cursor{}, refusal{code: codeBadArgument}
	}
	return from, refusal{}
}

// listPage renders the chats from the cursor on. A full page is followed by
// another even if that is empty; the last one has an empty cursor or none.
func (s *Sim) listPage(x *index, r *listRequest, wanted map[int32]bool, from cursor, now time.Time) []byte {
	limit := int(*r.Limit)
	drawn := s.tenant.bits(drawCursor, from.params, from.next)
	if s.opt.Odd && limit > 1 && drawn%4 == 0 {
		limit -= among(drawn>>8, limit/2+1)
	}
	body := make([]byte, 0, 128+55*limit)
	body = append(body, `{"errcode":0,"errmsg":"ok","group_chat_list":[`...)
	rows, next := 0, from.next
	for ; next < uint64(len(x.status)) && rows < limit; next++ {
		if !s.listed(x, r, wanted, next) {
			continue
		}
		if rows > 0 {
			body = append(body, ',')
		}
		body = s.appendRow(body, next, int(x.status[next]))
		rows++
	}
	body = append(body, ']')
	switch {
	case rows == limit:
		body = append(body, `,"next_cursor":`...)
		body = appendString(body, s.tenant.seal(cursor{from.params, next, now}))
	case drawn>>32%2 == 0:
		body = append(body, `,"next_cursor":""`...)
	}
	return append(body, '}')
}

// listed reports whether the chat belongs into the listing.
func (s *Sim) listed(x *index, r *listRequest, wanted map[int32]bool, chat uint64) bool {
	status, owner := x.status[chat], x.owner[chat]
	if status == gone || r.StatusFilter != 0 && int64(status) != r.StatusFilter {
		return false
	}
	if wanted != nil {
		return wanted[owner]
	}
	return s.opt.Resigned == ResignedUnfiltered || x.employed[owner]
}

func (s *Sim) appendRow(dst []byte, chat uint64, status int) []byte {
	q := s.tenant.drawQuirks(chat, 1<<40)
	dst = append(dst, `{"chat_id":`...)
	dst = appendString(dst, s.tenant.chatID(chat))
	dst = append(dst, `,"status":`...)
	dst = appendNumber(dst, int64(s.tenant.oddStatus(chat, status)), q)
	if q&quirkUnknown != 0 {
		dst = append(dst, `,"scope":null`...)
	}
	return append(dst, '}')
}

// getRequest is the body of vendor doc 92122.
type getRequest struct {
	ChatID   string `json:"chat_id"`
	NeedName int64  `json:"need_name"`
}

// get answers vendor doc 92122. A chat that is dissolved is as unknown as one
// that never was.
func (s *Sim) get(c *call) ([]byte, refusal) {
	var r getRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	switch {
	case r.ChatID == "":
		return nil, refusal{code: codeEmptyParameter}
	case r.NeedName != 0 && r.NeedName != 1:
		return nil, refusal{code: codeBadArgument}
	}
	chat, found := s.Chat(r.ChatID, c.at)
	if !found {
		return nil, refusal{code: codeNoChat}
	}
	body := make([]byte, 0, 512+300*len(chat.Members))
	body = append(body, `{"errcode":0,"errmsg":"ok","group_chat":`...)
	body = appendChat(body, &chat, r.NeedName == 1)
	return append(body, '}'), refusal{}
}
