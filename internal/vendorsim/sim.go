package vendorsim

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

// Sim is a vendor with one tenant. It is an [http.Handler] and safe for use from
// many goroutines.
type Sim struct {
	opt      Options
	tenant   *tenant
	indexes  indexes
	stats    statistics
	register register
	clock    *serve.Clock
	front    *serve.Front[int]
	faults   *fault.Armory[*call]
	control  *http.ServeMux

	mu           sync.Mutex // guards what follows
	tokens       tokens
	wrongSecrets map[string]*window // by caller address
	meters       map[string]*meter  // by endpoint; the map itself is fixed
}

// New makes a simulator. The error lists every option out of range.
func New(o Options) (*Sim, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("simulator options: %w", err)
	}
	s := &Sim{
		opt:          o,
		tenant:       newTenant(o),
		clock:        serve.NewClock(o.Start, o.Now),
		faults:       faults.Armory(),
		tokens:       tokens{dead: map[string]int{}},
		wrongSecrets: map[string]*window{},
		meters:       map[string]*meter{},
	}
	endpoints := []string{
		EndpointToken, EndpointFollowUsers, EndpointChatList, EndpointChatGet, EndpointStatistic, EndpointStatisticByDay,
		EndpointJoinWay, EndpointMessages, EndpointTasks, EndpointResults,
	}
	s.front = serve.NewFront(-1, endpoints...)
	for _, endpoint := range endpoints {
		s.meters[endpoint] = newMeter(o.Limits)
	}
	s.stats = newStatistics(s.tenant)
	s.register.tenant = s.tenant
	s.SetScript(o.Script)
	s.control = s.controls()
	return s, nil
}

// Now is the tenant's clock.
func (s *Sim) Now() time.Time { return s.clock.Now() }

// Advance moves the clock on by d and returns the new time. A d below 0 is an
// error; parts of a second are dropped.
func (s *Sim) Advance(d time.Duration) (time.Time, error) { return s.clock.Advance(d) }

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
	// listedLate is how old a mass message has to be to stand in the list.
	listedLate time.Duration
}

// ServeHTTP answers vendor calls under /cgi-bin/ and control calls under /_sim/;
// any other path is HTTP 404.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	endpoint, found := strings.CutPrefix(r.URL.Path, "/cgi-bin/")
	m := s.meters[endpoint]
	if !found || m == nil {
		http.NotFound(w, r)
		return
	}
	s.front.Handle(w, r, endpoint, func(q Request, inFlight int) serve.Turn[int] {
		c := &call{sim: s, request: q, at: s.Now()}
		c.address, _, _ = net.SplitHostPort(r.RemoteAddr)
		crowded := m.concurrency >= 0 && inFlight > m.concurrency
		return serve.Turn[int]{
			Bend:    func(v *Verdict) { s.faults.Bend(c, v) },
			Latency: s.opt.Latency,
			Answer: func() (Answer, int) {
				body, code := s.answer(c, r, m, crowded)
				return Answer{Body: body}, code
			},
		}
	})
}

// answer makes the simulator's own answer and returns its errcode.
func (s *Sim) answer(c *call, r *http.Request, m *meter, crowded bool) ([]byte, int) {
	query := r.URL.Query()
	bad := s.admit(c, m, query.Get("access_token"), crowded)
	if bad.code == codeOK {
		bad = checkMethod(c.request)
	}
	if bad.code != codeOK {
		return s.refuse(bad, c), bad.code
	}
	var body []byte
	switch c.request.Endpoint {
	case EndpointToken:
		body, bad = s.getToken(c, query)
	case EndpointFollowUsers:
		body = s.followUsers(c)
	case EndpointChatList:
		body, bad = s.list(c)
	case EndpointChatGet:
		body, bad = s.get(c)
	case EndpointStatistic:
		body, bad = s.statistic(c)
	case EndpointStatisticByDay:
		body, bad = s.statisticByDay(c)
	case EndpointJoinWay:
		body, bad = s.joinWay(c)
	case EndpointMessages:
		body, bad = s.massList(c)
	case EndpointTasks:
		body, bad = s.tasks(c)
	case EndpointResults:
		body, bad = s.sendResult(c)
	}
	if bad.code != codeOK {
		return s.refuse(bad, c), bad.code
	}
	return body, codeOK
}

// admit reads the clocks and checks what stands before any endpoint: token, calls
// at once, budgets. A call without a good token costs nothing.
func (s *Sim) admit(c *call, m *meter, token string, crowded bool) refusal {
	s.mu.Lock()
	defer s.mu.Unlock()
	c.at, c.service = s.clock.Read()
	if c.request.Endpoint != EndpointToken {
		if code := s.tokens.check(token, c.service); code != codeOK {
			return refusal{code: code}
		}
	}
	switch {
	case crowded:
		return refusal{code: codeTooManyAtOnce}
	case !m.take(c.service):
		return refusal{code: codeTooOften}
	}
	return refusal{}
}

// checkMethod refuses the wrong method the way vendor doc 90313 says it shows:
// the body is not seen, so a parameter is wrong.
func checkMethod(r Request) refusal {
	want := http.MethodPost
	if r.Endpoint == EndpointToken || r.Endpoint == EndpointFollowUsers {
		want = http.MethodGet
	}
	switch {
	case r.Method == want:
		return refusal{}
	case r.Endpoint == EndpointChatGet:
		return refusal{code: codeNoChat}
	default:
		return refusal{code: codeBadRequest}
	}
}

// Calls returns the counters of every endpoint.
func (s *Sim) Calls() map[string]Calls { return s.front.Calls() }

// ResetCalls sets the counters to zero. Budgets stay used.
func (s *Sim) ResetCalls() { s.front.ResetCalls() }
