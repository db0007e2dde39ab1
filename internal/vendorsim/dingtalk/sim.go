package dingtalk

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/serve"
)

// The endpoints, as [Request] and the call counters name them.
const (
	EndpointToken     = "POST /v1.0/oauth2/accessToken"
	EndpointCorpToken = "POST /v1.0/oauth2/corpAccessToken"
	EndpointChats     = "GET /v1.0/crm/crmGroupChats"
	EndpointChat      = "POST /v1.0/crm/crmGroupChats/query"
	EndpointBatch     = "POST /v1.0/crm/crmGroupChats/batchQuery"
	EndpointSets      = "GET /v1.0/crm/groupSets/lists"
	EndpointSet       = "GET /v1.0/crm/groupSets"
	EndpointReads     = "POST /v1.0/robot/groupMessages/query"
)

// Script lets a test see every call and bend its answer.
type Script = serve.Script[string]

// Request is one call as it arrived.
type Request = serve.Request

// Verdict is what happens to a call.
type Verdict = serve.Verdict

// Answer is an HTTP response.
type Answer = serve.Answer

// Response is one call that has been answered. Its code is [CodeOK] or the
// vendor's, and "" where a script's or a fault's answer was sent in its place.
type Response = serve.Response[string]

// Calls counts what arrived at one endpoint, by code.
type Calls = serve.Calls[string]

// Server is a simulator on a port.
type Server = serve.Server

// Sim is a vendor with one tenant. It is an [http.Handler] and safe for use from
// many goroutines.
type Sim struct {
	opt     Options
	tenant  *tenant
	clock   *serve.Clock
	front   *serve.Front[string]
	faults  *fault.Armory[*call]
	control *http.ServeMux
	answers map[string]func(*call) ([]byte, refusal)

	mu        sync.Mutex // guards what follows
	tokens    tokens
	seconds   map[string]*recent  // by endpoint; the map itself is fixed
	addresses map[string]*address // by caller
	month     month
}

// New makes a simulator. The error lists every option out of range.
func New(o Options) (*Sim, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("simulator options: %w", err)
	}
	s := &Sim{
		opt:       o,
		tenant:    newTenant(o),
		clock:     serve.NewClock(o.Start, o.Now),
		faults:    catalogue.Armory(),
		tokens:    tokens{ends: map[string]time.Time{}},
		seconds:   map[string]*recent{},
		addresses: map[string]*address{},
		month:     month{begins: monthOf(o.Start)},
	}
	s.answers = map[string]func(*call) ([]byte, refusal){
		EndpointToken: s.appToken, EndpointCorpToken: s.corpToken, EndpointChats: s.listChats, EndpointChat: s.readChat,
		EndpointBatch: s.readBatch, EndpointSets: s.listSets, EndpointSet: s.readSet, EndpointReads: s.readReads,
	}
	var endpoints []string
	for endpoint := range s.answers {
		endpoints = append(endpoints, endpoint)
		s.seconds[endpoint] = newRecent(o.Limits.PerSecond)
	}
	s.front = serve.NewFront("", endpoints...)
	s.SetScript(o.Script)
	s.control = s.controls()
	return s, nil
}

// Now is the tenant's clock.
func (s *Sim) Now() time.Time { return s.clock.Now() }

// Advance moves the clock on by d and returns the new time. A d below 0 is an
// error; parts of a second are dropped.
func (s *Sim) Advance(d time.Duration) (time.Time, error) { return s.clock.Advance(d) }

// SetScript replaces the script, for calls that arrive from now on.
func (s *Sim) SetScript(script Script) { s.front.SetScript(script) }

// Calls returns the counters of every endpoint.
func (s *Sim) Calls() map[string]Calls { return s.front.Calls() }

// ResetCalls sets the counters to zero. Budgets stay used.
func (s *Sim) ResetCalls() { s.front.ResetCalls() }

// Start serves the simulator on addr ("127.0.0.1:0" for any free port) until ctx
// ends. When it returns, the port answers.
func (s *Sim) Start(ctx context.Context, addr string) (*Server, error) {
	return serve.Start(ctx, addr, s)
}

// call is one request on its way through the simulator.
type call struct {
	sim     *Sim
	request Request
	at      time.Time // tenant's clock
	service time.Time // real time plus what the clock was moved
	address string    // of the caller, without port
	list    listBend
}

// ServeHTTP answers vendor calls and control calls under /_sim/. Any other path or
// method is refused in the vendor's words, and not counted.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	endpoint := r.Method + " " + r.URL.Path
	if !s.front.Has(endpoint) {
		a := s.refuse(refusal{code: codeNoAPI}, &call{})
		w.Header().Set("Content-Type", "application/json; charset=UTF-8")
		w.WriteHeader(a.Status)
		_, _ = w.Write(a.Body)
		return
	}
	s.front.Handle(w, r, endpoint, func(q Request, _ int) serve.Turn[string] {
		c := &call{sim: s, request: q, at: s.Now()}
		c.address, _, _ = net.SplitHostPort(r.RemoteAddr)
		return serve.Turn[string]{
			Bend:    func(v *Verdict) { s.faults.Bend(c, v) },
			Latency: s.opt.Latency,
			Answer:  func() (Answer, string) { return s.answer(c) },
		}
	})
}

// answer makes the simulator's own answer.
func (s *Sim) answer(c *call) (Answer, string) {
	bad := s.admit(c)
	if bad.code != "" {
		return s.refuse(bad, c), bad.code
	}
	body, bad := s.answers[c.request.Endpoint](c)
	if bad.code != "" {
		return s.refuse(bad, c), bad.code
	}
	return Answer{Body: body}, CodeOK
}

// admit reads the clocks and checks what stands before any endpoint: the address,
// the token, the limit of the second, the month. What one refuses costs nothing of
// the next.
func (s *Sim) admit(c *call) refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.at, c.service = s.clock.Read()
	a := s.address(c.address)
	if !c.service.Before(a.until) && !a.calls.take(c.service, addressSpan) {
		a.until, a.banned = c.service.Add(banSpan), banHTML
	}
	if c.service.Before(a.until) {
		return refusal{code: codeBanned, banned: a.banned}
	}
	free := c.request.Endpoint == EndpointToken || c.request.Endpoint == EndpointCorpToken
	if !free {
		if bad := s.checkToken(c.request.Header, c.service); bad.code != "" {
			return bad
		}
	}
	second := s.seconds[c.request.Endpoint]
	if c.service.Before(second.until) {
		return refusal{code: second.code}
	}
	if !second.take(c.service, time.Second) {
		return refusal{code: codeQPS}
	}
	if free {
		return refusal{}
	}
	s.month.turn(c.at)
	if most := s.opt.Limits.PerMonth; most >= 0 && s.month.calls >= most {
		return refusal{code: codeMonth}
	}
	s.month.calls++
	return refusal{}
}
