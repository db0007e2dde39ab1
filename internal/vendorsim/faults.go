package vendorsim

import (
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"syncd/internal/vendorsim/fault"
)

// Fault is one thing that goes wrong: what, at which endpoints, at which calls.
// Arm it with [Sim.Arm]. See package fault.
type Fault = fault.Fault[*call]

// FaultInfo describes a fault that [ParseFault] knows.
type FaultInfo = fault.Info

// FaultParam is a parameter of a fault.
type FaultParam = fault.Param

// ArmedFault is a fault that is in force.
type ArmedFault = fault.Armed

// The short names of the endpoints in faults.
const (
	onToken  = "token"
	onOwners = "owners"
	onList   = "list"
	onGet    = "get"
)

var (
	everywhere = []string{onToken, onOwners, onList, onGet}
	business   = []string{onOwners, onList, onGet}
)

var faults = fault.Catalogue[*call]{
	Kinds: faultKinds,
	Endpoints: []fault.Endpoint{
		{Short: onToken, Name: EndpointToken},
		{Short: onOwners, Name: EndpointFollowUsers},
		{Short: onList, Name: EndpointChatList},
		{Short: onGet, Name: EndpointChatGet},
	},
	EndpointOf: func(c *call) string { return c.request.Endpoint },
	Which:      whichCalls,
}

// Faults lists the catalogue.
func Faults() []FaultInfo { return faults.List() }

// FaultWhen lists the parameters that every fault has: those that say which
// calls it strikes.
func FaultWhen() []FaultParam { return faults.When() }

// ParseFault reads NAME or NAME:KEY=VALUE,KEY=VALUE; see [Faults] and
// [FaultWhen]. The error lists all that is wrong with the text.
func ParseFault(text string) (Fault, error) { return faults.Parse(text) }

// Arm puts a fault into force, for calls that arrive from now on, beside those
// that are: a call can be struck by many. See [ParseFault] for the text.
func (s *Sim) Arm(text string) error { return s.faults.Arm(text) }

// Disarm lifts all faults. What they have done lasts: an ended token, a block, a
// clock that was moved.
func (s *Sim) Disarm() { s.faults.Disarm() }

// Armed lists the faults in force, in the order in which they strike.
func (s *Sim) Armed() []ArmedFault { return s.faults.Armed() }

// whichCalls reads page, chat and owner: of a list, the call without a cursor or
// those with one, gets of one chat, and lists whose filter holds one person, by id
// or #number.
func whichCalls(p *fault.Params) func(*call) bool {
	page, anyPage := fault.Pages(p)
	chat := p.Text("chat", "", "only gets of this chat: its id, or # and its number")
	owner := p.Text("owner", "", "only lists whose owner_filter holds this person: the userid, or # and the number")
	if anyPage && chat == "" && owner == "" {
		return nil
	}
	return func(c *call) bool {
		var asked struct {
			ChatID      string `json:"chat_id"`
			Cursor      string `json:"cursor"`
			OwnerFilter struct {
				UserIDs []string `json:"userid_list"`
			} `json:"owner_filter"`
		}
		_ = json.Unmarshal(c.request.Body, &asked) // what is no JSON asks for nothing
		if c.request.Endpoint == EndpointChatList && !page(asked.Cursor != "") {
			return false
		}
		t := c.sim.tenant
		return (chat == "" || asked.ChatID == t.chatNamed(chat)) &&
			(owner == "" || slices.Contains(asked.OwnerFilter.UserIDs, t.staffNamed(owner)))
	}
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

// block spends a limit of the endpoint.
func (s *Sim) block(endpoint string, hour bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m := s.meters[endpoint]
	w := &m.minute
	if hour {
		w = &m.hour
	}
	_, service := s.clock.Read()
	w.until = service.Add(w.length)
}
