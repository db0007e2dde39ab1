package vendorsim

import (
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
)

// when says which calls a fault strikes. Calls that match endpoint, page and
// subject are counted from 1; the rest picks among the counted ones.
type when struct {
	endpoints []string
	// page is pageHead, pageNext or pageAny: of a list, the call without a cursor
	// or those with one. Other calls are always pageAny.
	page string
	// chat is looked for in gets, owner in the filters of lists: ids or #number;
	// "" is any.
	chat, owner string

	at, every, from, to, times int
	probability                float64
	seed                       uint64
}

const (
	pageAny  = "any"
	pageHead = "head"
	pageNext = "next"
)

func readWhen(p *faultParams, kind *faultKind) when {
	w := when{page: kind.page}
	for name := range strings.SplitSeq(p.text("on", strings.Join(kind.on, "+"),
		"endpoints, joined by +: token, owners, list, get"), "+") {
		switch {
		case shortNames[name] == "":
			p.wrong("on: there is no endpoint %q", name)
		case kind.only != nil && !slices.Contains(kind.only, name):
			p.wrong("on: it does nothing at %s", name)
		default:
			w.endpoints = append(w.endpoints, shortNames[name])
		}
	}
	pages := []string{pageAny, pageHead, pageNext}
	if kind.page == pageNext {
		pages = []string{pageNext, pageHead, pageAny}
	}
	w.page = p.choice("page", "which calls of a list", pages...)
	w.chat = p.text("chat", "", "only gets of this chat: its id, or # and its number")
	w.owner = p.text("owner", kind.owner, "only lists whose owner_filter holds this person: the userid, or # and the number")
	w.at = p.count("at", 0, 0, math.MaxInt32, "only the n-th matching call; 0 is all of them")
	w.every = p.count("every", 1, 1, math.MaxInt32, "only every n-th matching call")
	w.from = p.count("from", 1, 1, math.MaxInt32, "not before the n-th matching call")
	w.to = p.count("to", 0, 0, math.MaxInt32, "not after the n-th matching call; 0 is no end")
	w.times = p.count("times", 0, 0, math.MaxInt32, "at most so often; 0 is no bound")
	share := p.text("p", "1", "with this probability")
	var err error
	if w.probability, err = strconv.ParseFloat(share, 64); err != nil || !(w.probability > 0 && w.probability <= 1) {
		p.wrong("p is %q, want a number above 0 and up to 1", share)
	}
	w.seed = uint64(p.count("seed", 1, 0, math.MaxInt32, "decides what p draws"))
	return w
}

// matches reports whether the call is one of those that are counted.
func (w *when) matches(s *Sim, r Request) bool {
	if !slices.Contains(w.endpoints, r.Endpoint) {
		return false
	}
	if w.page == pageAny && w.chat == "" && w.owner == "" {
		return true
	}
	var asked struct {
		ChatID      string `json:"chat_id"`
		Cursor      string `json:"cursor"`
		OwnerFilter struct {
			UserIDs []string `json:"userid_list"`
		} `json:"owner_filter"`
	}
	_ = json.Unmarshal(r.Body, &asked) // what is no JSON asks for nothing
	if r.Endpoint == EndpointChatList && w.page != pageAny && (w.page == pageNext) != (asked.Cursor != "") {
		return false
	}
	return (w.chat == "" || asked.ChatID == s.tenant.chatNamed(w.chat)) &&
		(w.owner == "" || slices.Contains(asked.OwnerFilter.UserIDs, s.tenant.staffNamed(w.owner)))
}

// chatNamed turns #7 into the id of chat number 7.
func (t *tenant) chatNamed(text string) string {
	if n, ok := number(text); ok {
		return t.chatID(n)
	}
	return text
}

// staffNamed is the same for people of the staff.
func (t *tenant) staffNamed(text string) string {
	if n, ok := number(text); ok {
		return t.staffID(int(n))
	}
	return text
}

func number(text string) (uint64, bool) {
	digits, ok := strings.CutPrefix(text, "#")
	n, err := strconv.ParseUint(digits, 10, 31)
	return n, ok && err == nil
}

// picks reports whether the n-th matching call is struck, by a fault that has
// struck so often before.
func (w *when) picks(n, struck int) bool {
	switch {
	case w.at > 0 && n != w.at, n%w.every != 0, n < w.from, w.to > 0 && n > w.to, w.times > 0 && struck >= w.times:
		return false
	}
	return w.probability >= 1 || unit(mix(w.seed<<32^uint64(n))) < w.probability
}
