package scrm

import (
	"math"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/rawjson"
	"syncd/internal/vendorsim/serve"
)

// The short names of the endpoints in faults.
const (
	onGroups = "groups"
	onUsers  = "users"
)

var (
	everywhere = []string{onGroups, onUsers}
	groupsOnly = []string{onGroups}
)

// catalogue is what can go wrong.
var catalogue = &fault.Catalogue[*call]{
	Kinds: slices.Concat(
		credentialFaults,
		fault.Network[*call](everywhere, groupsOnly, `{"code":0,"message":"success",`),
		listFaults, rowFaults, tenantFaults,
	),
	Endpoints:  []fault.Endpoint{{Short: onGroups, Name: EndpointGroups}, {Short: onUsers, Name: EndpointUsers}},
	EndpointOf: func(c *call) string { return c.request.Endpoint },
	Which:      which,
}

// Faults lists the catalogue.
func Faults() []fault.Info { return catalogue.List() }

// FaultWhen lists the parameters that every fault has: those that say which
// calls it strikes.
func FaultWhen() []fault.Param { return catalogue.When() }

// ParseFault reads NAME or NAME:KEY=VALUE,KEY=VALUE; see [Faults] and
// [FaultWhen]. The error lists all that is wrong with the text.
func ParseFault(text string) error {
	_, err := catalogue.Parse(text)
	return err
}

// which reads the parameters page and user.
func which(p *fault.Params) func(*call) bool {
	meant, anyPage := fault.Pages(p)
	user := p.Text("user", "", "only lists of this employee: the id in userId")
	return func(c *call) bool {
		if anyPage && user == "" {
			return true
		}
		var asked struct {
			PageNo int64          `json:"pageNo"`
			UserID jsontext.Value `json:"userId"`
		}
		_ = json.Unmarshal(c.request.Body, &asked) // what is no JSON asks for nothing
		return meant(asked.PageNo > 1) && (user == "" || string(asked.UserID) == user)
	}
}

// refuseWith answers in the simulator's place.
func refuseWith(r refusal) func(*fault.Params) func() fault.Strike[*call] {
	return func(*fault.Params) func() fault.Strike[*call] {
		return fault.Always(func(_ *call, v *serve.Verdict) { v.Give(serve.Answer{Body: refused(r)}) })
	}
}

var credentialFaults = []fault.Kind[*call]{
	{
		Name: "bad-sign", Does: "the signature is refused (1002)", On: everywhere,
		Make: refuseWith(refusal{codeBadSign, "signature check failed"}),
	},
	{
		Name: "bad-time", Does: "the timestamp is refused (1003), though the vendor's clock is right", On: everywhere,
		Make: refuseWith(refusal{codeBadTime, "request time is too far from server time"}),
	},
	{
		Name: "skew", Does: "the vendor's clock is off, as the header Date says", On: everywhere,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			by := p.Duration("by", 10*time.Minute, "how far")
			if p.Choice("as", "to which side", "ahead", "behind") == "behind" {
				by = -by
			}
			return fault.Always(func(c *call, _ *serve.Verdict) { c.skew = by })
		},
	},
	{
		Name: "wrong-key", Does: "the application has another key by now: the old one signs nothing (1002)", On: everywhere,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			key := p.Text("key", "the-key-after-the-change", "the one that is good")
			return fault.Always(func(c *call, _ *serve.Verdict) { c.key = key })
		},
	},
	{
		Name: "limited", Does: "too many calls (HTTP 429)", On: everywhere,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			answer := serve.Answer{
				Status: http.StatusTooManyRequests, Header: http.Header{},
				Body: refused(refusal{codeTooOften, "too many requests"}),
			}
			if after := p.Count("retry-after", 0, 0, 1<<20, "seconds in a Retry-After header; 0 is no such header"); after > 0 {
				answer.Header.Set("Retry-After", strconv.Itoa(after))
			}
			return fault.Always(func(_ *call, v *serve.Verdict) { v.Give(answer) })
		},
	},
	{Name: "code", Does: "HTTP 200 with a code that nobody knows", On: everywhere, Make: makeCode},
}

func makeCode(p *fault.Params) func() fault.Strike[*call] {
	r := refusal{p.Count("code", 50001, math.MinInt32, math.MaxInt32, "which"), "系统异常"}
	switch p.Choice("data", "null, left out, or rows as if all were well", "null", "absent", "rows") {
	case "null":
		return refuseWith(r)(p)
	case "absent":
		body, _ := rawjson.Parse(refused(r))
		delete(body, "data")
		return fault.Always(func(_ *call, v *serve.Verdict) { v.Give(serve.Answer{Body: body.Text()}) })
	}
	return editAnswer(func(o rawjson.Object) {
		o["code"], o["message"] = strconv.AppendInt(nil, int64(r.code), 10), rawjson.AppendString(nil, r.message)
	})
}

var listFaults = []fault.Kind[*call]{
	{
		Name: "size-clamped", Does: "pages are smaller than was asked for, as the answer says", On: groupsOnly,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			largest := int64(p.Count("to", 5, 1, 10_000, "the largest page"))
			return bendList(func(_ *call, b *listBend) { b.largest = largest })
		},
	},
	{
		Name: "page-ignored", Does: "the first page comes whatever pageNo is", On: groupsOnly,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			says := int64(1)
			if p.Choice("says", "what the answer calls it: page 1, or the page that was asked for", "first", "asked") == "asked" {
				says = 0
			}
			return bendList(func(_ *call, b *listBend) { b.first, b.says = true, says })
		},
	},
	{
		Name: "total-shrinks", Does: "totalCount is less by some rows, and totalPage with it; the rows are all there",
		On: groupsOnly, Defaults: map[string]string{"page": fault.PageNext},
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			fewer := int64(p.Count("by", 10, 1, math.MaxInt32, "how many rows"))
			return bendList(func(_ *call, b *listBend) { b.fewer = fewer })
		},
	},
	{
		Name: "rows-repeated", Does: "a page begins with the last rows of the page before", On: groupsOnly,
		Defaults: map[string]string{"page": fault.PageNext},
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			shift := -int64(p.Count("rows", 3, 1, 10_000, "how many"))
			return bendList(func(_ *call, b *listBend) { b.shift = shift })
		},
	},
	{
		Name: "rows-skipped", Does: "rows between two pages are left out, as if others had vanished before them",
		On: groupsOnly, Defaults: map[string]string{"page": fault.PageNext},
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			shift := int64(p.Count("rows", 3, 1, 10_000, "how many"))
			return bendList(func(_ *call, b *listBend) { b.shift = shift })
		},
	},
}

func bendList(change func(*call, *listBend)) func() fault.Strike[*call] {
	return fault.Always(func(c *call, _ *serve.Verdict) { change(c, &c.list) })
}

// tenantFaults change the tenant for good, before the call is answered.
var tenantFaults = []fault.Kind[*call]{
	{
		Name: "inserted", Does: "new groups appear at the head of the list first: rows slide down", On: groupsOnly,
		Defaults: map[string]string{"page": fault.PageNext},
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			n := p.Count("groups", 1, 1, 10_000, "how many")
			return fault.Always(func(c *call, _ *serve.Verdict) {
				for range n {
					_, _ = c.sim.Insert(Insertion{}) // a drawn group fits anywhere
				}
			})
		},
	},
	{
		Name: "deleted", Does: "groups vanish first: rows slide up", On: groupsOnly,
		Defaults: map[string]string{"page": fault.PageNext},
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			n := p.Count("groups", 1, 1, 10_000, "how many")
			row := p.Count("row", 0, 0, math.MaxInt32, "from which row of the whole list on, from 0")
			return fault.Always(func(c *call, _ *serve.Verdict) { c.sim.deleteRows(row, n) })
		},
	},
	{
		Name: "time-passes", Does: "the tenant's clock moves on first", On: groupsOnly,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			by := p.Duration("by", 24*time.Hour, "how far")
			return fault.Always(func(c *call, _ *serve.Verdict) { _, _ = c.sim.Advance(by) }) // never back
		},
	},
}

func (s *Sim) deleteRows(row, n int) {
	entries := s.index(s.Moment()).entries
	row = min(row, len(entries))
	for _, e := range entries[row:min(row+n, len(entries))] {
		_ = s.Delete(s.chatIDOf(e.number)) // somebody else may have
	}
}
