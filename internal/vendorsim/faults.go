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
	onToken    = "token"
	onOwners   = "owners"
	onList     = "list"
	onGet      = "get"
	onStats    = "stats"
	onDayStats = "day_stats"
	onMessages = "messages"
	onTasks    = "tasks"
	onResults  = "results"
	onJoinWay  = "join_way"
)

var (
	business   = []string{onOwners, onList, onGet, onStats, onDayStats, onMessages, onTasks, onResults, onJoinWay}
	everywhere = append([]string{onToken}, business...)
	paged      = []string{onList, onMessages, onTasks, onResults}
)

var faults = fault.Catalogue[*call]{
	Kinds: faultKinds,
	Endpoints: []fault.Endpoint{
		{Short: onToken, Name: EndpointToken},
		{Short: onOwners, Name: EndpointFollowUsers},
		{Short: onList, Name: EndpointChatList},
		{Short: onGet, Name: EndpointChatGet},
		{Short: onStats, Name: EndpointStatistic},
		{Short: onDayStats, Name: EndpointStatisticByDay},
		{Short: onMessages, Name: EndpointMessages},
		{Short: onTasks, Name: EndpointTasks},
		{Short: onResults, Name: EndpointResults},
		{Short: onJoinWay, Name: EndpointJoinWay},
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

// whichCalls reads page, chat, owner, message and way: of endpoints with cursors the
// call without one or those with one, and calls about one subject.
func whichCalls(p *fault.Params) func(*call) bool {
	page, anyPage := fault.Pages(p)
	chat := p.Text("chat", "", "only gets of this chat: its id, or # and its number")
	owner := p.Text("owner", "", "only calls whose owner_filter, userid or creator is this person: the userid, or # and the number")
	message := p.Text("message", "", "only tasks and results of this message: its msgid, or # and its number")
	way := p.Text("way", "", "only this join way: its config_id, or # and its number")
	if anyPage && chat == "" && owner == "" && message == "" && way == "" {
		return nil
	}
	return func(c *call) bool {
		var asked struct {
			ChatID      string      `json:"chat_id"`
			MessageID   string      `json:"msgid"`
			ConfigID    string      `json:"config_id"`
			UserID      string      `json:"userid"`
			Creator     string      `json:"creator"`
			Cursor      string      `json:"cursor"`
			OwnerFilter ownerFilter `json:"owner_filter"`
		}
		_ = json.Unmarshal(c.request.Body, &asked) // what is no JSON asks for nothing
		if slices.Contains(pagedEndpoints, c.request.Endpoint) && !page(asked.Cursor != "") {
			return false
		}
		t := c.sim.tenant
		people := append(asked.OwnerFilter.UserIDs, asked.UserID, asked.Creator)
		return (chat == "" || asked.ChatID == named(chat, t.chatID)) &&
			(owner == "" || slices.Contains(people, t.staffNamed(owner))) &&
			(message == "" || asked.MessageID == named(message, t.massID)) &&
			(way == "" || asked.ConfigID == named(way, t.wayID))
	}
}

var pagedEndpoints = []string{EndpointChatList, EndpointMessages, EndpointTasks, EndpointResults}

// named turns #7 into the id of number 7.
func named(text string, id func(uint64) string) string {
	if n, ok := number(text); ok {
		return id(n)
	}
	return text
}

// staffNamed is the same for people of the staff.
func (t *tenant) staffNamed(text string) string {
	return named(text, func(n uint64) string { return t.staffID(int(n)) })
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
