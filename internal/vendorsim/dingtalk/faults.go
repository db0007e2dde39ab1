package dingtalk

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"

	"syncd/internal/vendorsim/fault"
)

// Fault is one thing that goes wrong: what, at which endpoints, at which calls.
// Arm it with [Sim.Arm]. See package fault.
type Fault = fault.Fault[*call]

// The short names of the endpoints in faults.
const (
	onToken = "token"
	onCorp  = "corp-token"
	onChats = "chats"
	onChat  = "chat"
	onBatch = "batch"
	onSets  = "sets"
	onSet   = "set"
	onReads = "reads"
)

var (
	credentials = []string{onToken, onCorp}
	business    = []string{onChats, onChat, onBatch, onSets, onSet, onReads}
	everywhere  = append(credentials[:2:2], business...)
	// paged are those with a nextToken, lists those with a resultList.
	paged = []string{onChats, onSets, onReads}
	lists = []string{onChats, onSets}
)

var catalogue = fault.Catalogue[*call]{
	Kinds: faultKinds,
	Endpoints: []fault.Endpoint{
		{Short: onToken, Name: EndpointToken},
		{Short: onCorp, Name: EndpointCorpToken},
		{Short: onChats, Name: EndpointChats},
		{Short: onChat, Name: EndpointChat},
		{Short: onBatch, Name: EndpointBatch},
		{Short: onSets, Name: EndpointSets},
		{Short: onSet, Name: EndpointSet},
		{Short: onReads, Name: EndpointReads},
	},
	EndpointOf: func(c *call) string { return c.request.Endpoint },
	Which:      whichCalls,
}

// Faults lists the catalogue.
func Faults() []fault.Info { return catalogue.List() }

// FaultWhen lists the parameters that every fault has: those that say which calls
// it strikes.
func FaultWhen() []fault.Param { return catalogue.When() }

// ParseFault reads NAME or NAME:KEY=VALUE,KEY=VALUE; see [Faults] and
// [FaultWhen]. The error lists all that is wrong with the text.
func ParseFault(text string) (Fault, error) { return catalogue.Parse(text) }

// Arm puts a fault into force, for calls that arrive from now on, beside those
// that are: a call can be struck by many. See [ParseFault] for the text.
func (s *Sim) Arm(text string) error { return s.faults.Arm(text) }

// Disarm lifts all faults. What they have done lasts: an ended token, a block, a
// ban, a spent month, a clock that was moved.
func (s *Sim) Disarm() { s.faults.Disarm() }

// Armed lists the faults in force, in the order in which they strike.
func (s *Sim) Armed() []fault.Armed { return s.faults.Armed() }

// asked is what a call is about, read without strictness.
type asked struct {
	query url.Values
	body  struct {
		ChatID    string   `json:"openConversationId"`
		ChatIDs   []string `json:"openConversationIds"`
		Key       string   `json:"processQueryKey"`
		NextToken string   `json:"nextToken"`
	}
}

func askedBy(q Request) asked {
	var a asked
	a.query = q.URL.Query()
	if q.Method == http.MethodPost {
		_ = json.Unmarshal(q.Body, &a.body) // what is no JSON asks for nothing
	}
	return a
}

// token is the cursor that is sent.
func (a *asked) token() string { return a.query.Get("nextToken") + a.body.NextToken }

func (a *asked) chat(id string) bool {
	return a.query.Get("openConversationId") == id || a.body.ChatID == id || slices.Contains(a.body.ChatIDs, id)
}

// whichCalls reads page, type, chat and key.
func whichCalls(p *fault.Params) func(*call) bool {
	page, anyPage := fault.Pages(p)
	kind := p.Choice("type", "only lists of this relationType", "", RelationCustomer, RelationPersonal)
	chat := p.Text("chat", "", "only calls about this group: its id, or # and its number")
	key := p.Text("key", "", "only readers of this message: its processQueryKey, or # and its number")
	if anyPage && kind == "" && chat == "" && key == "" {
		return nil
	}
	return func(c *call) bool {
		a := askedBy(c.request)
		pages := c.request.Endpoint == EndpointChats || c.request.Endpoint == EndpointSets || c.request.Endpoint == EndpointReads
		t := c.sim.tenant
		return (!pages || page(a.token() != "")) &&
			(kind == "" || a.query.Get("relationType") == kind) &&
			(chat == "" || a.chat(named(chat, t.chatID))) &&
			(key == "" || a.body.Key == named(key, t.messageKey))
	}
}

// named turns #7 into the id of number 7.
func named(text string, id func(uint64) string) string {
	digits, ok := strings.CutPrefix(text, "#")
	n, err := strconv.ParseUint(digits, 10, 31)
	if !ok || err != nil {
		return text
	}
	return id(n)
}
