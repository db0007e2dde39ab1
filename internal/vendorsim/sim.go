package vendorsim

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// requestBytesMax is far above any request the vendor allows.
const requestBytesMax = 1 << 20

// Sim is a vendor with one tenant. It is an [http.Handler] and safe for use from
// many goroutines.
type Sim struct {
	opt     Options
	tenant  *tenant
	indexes indexes
	stats   statistics
	script  atomic.Pointer[Script]
	seq     atomic.Uint64
	control *http.ServeMux

	mu           sync.Mutex // guards what follows
	clock        time.Time
	tokens       tokens
	wrongSecrets map[string]*window // by caller address
	meters       map[string]*meter  // by endpoint; the map itself is fixed
	faults       []*armed           // the slice is never changed in place
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
		clock:        o.Start,
		tokens:       tokens{dead: map[string]int{}},
		wrongSecrets: map[string]*window{},
		meters:       map[string]*meter{},
	}
	for _, endpoint := range []string{
		EndpointToken, EndpointFollowUsers, EndpointChatList, EndpointChatGet, EndpointStatistic, EndpointStatisticByDay,
	} {
		s.meters[endpoint] = newMeter(o.Limits)
	}
	s.stats = newStatistics(s.tenant)
	s.SetScript(o.Script)
	s.control = s.controls()
	return s, nil
}

// Now is the tenant's clock.
func (s *Sim) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.clock
}

// errBackwards says that a clock was asked to go back.
var errBackwards = errors.New("the clock does not go back")

// Advance moves the clock on by d and returns the new time. A d below 0 is an
// error; parts of a second are dropped.
func (s *Sim) Advance(d time.Duration) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if d < 0 {
		return s.clock, errBackwards
	}
	s.clock = s.clock.Add(d.Truncate(time.Second))
	return s.clock, nil
}

// call is one request on its way through the simulator.
type call struct {
	request Request
	at      time.Time // tenant's clock
	service time.Time // real time plus what the clock was moved
	address string    // of the caller, without port
	list    listBend
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
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax))
	if err != nil {
		http.Error(w, "request body", http.StatusBadRequest)
		return
	}
	c := &call{request: Request{Seq: s.seq.Add(1), Endpoint: endpoint, Method: r.Method, Body: body}, at: s.Now()}
	c.address, _, _ = net.SplitHostPort(r.RemoteAddr)
	crowded := s.enter(m)
	defer s.leave(m)
	s.serve(w, r, c, m, crowded)
}

// enter counts a call that arrived and reports whether it is one too many.
func (s *Sim) enter(m *meter) (crowded bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.counted.Calls++
	m.inFlight++
	m.counted.InFlightMost = max(m.counted.InFlightMost, m.inFlight)
	return m.concurrency >= 0 && m.inFlight > m.concurrency
}

func (s *Sim) leave(m *meter) {
	s.mu.Lock()
	defer s.mu.Unlock()
	m.inFlight--
}

// serve asks the script, waits, answers and tells the script.
func (s *Sim) serve(w http.ResponseWriter, r *http.Request, c *call, m *meter, crowded bool) {
	script := s.script.Load()
	var verdict Verdict
	if script.OnRequest != nil {
		verdict = script.OnRequest(r.Context(), c.request)
	}
	s.bend(c, &verdict)
	if !pause(r.Context(), verdict.Delay) || !pause(r.Context(), s.opt.Latency) {
		return
	}
	answer, code := Answer{}, -1
	if verdict.Answer != nil {
		answer = *verdict.Answer
	} else {
		answer.Body, code = s.answer(c, r, m, crowded)
	}
	if verdict.Edit != nil {
		verdict.Edit(&answer)
	}
	s.record(m, code, verdict.bent())
	if !verdict.Drop {
		send(w, answer, verdict)
	}
	if script.OnResponse != nil {
		script.OnResponse(Response{Request: c.request, Code: code, Answer: answer, Cut: verdict.broken()})
	}
	if verdict.Stall {
		<-r.Context().Done()
	}
	if verdict.broken() {
		panic(http.ErrAbortHandler)
	}
}

// pause waits for d and reports whether the client is still there.
func pause(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
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
	c.at = s.clock
	c.service = s.serviceTime()
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

// serviceTime is the time of tokens and limits. The caller holds mu.
func (s *Sim) serviceTime() time.Time { return s.opt.Now().Add(s.clock.Sub(s.opt.Start)) }

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

// send writes the answer, or the part of it before the cut, and flushes it.
func send(w http.ResponseWriter, a Answer, v Verdict) {
	header := w.Header()
	header.Set("Content-Type", "application/json; charset=UTF-8")
	maps.Copy(header, a.Header)
	header.Set("Content-Length", strconv.Itoa(len(a.Body)))
	status := a.Status
	if status == 0 {
		status = http.StatusOK
	}
	w.WriteHeader(status)
	body := a.Body
	if v.Cut {
		body = body[:min(max(v.CutAfter, 0), len(body))]
	}
	// A client that went away is none of the simulator's business.
	_, _ = w.Write(body)
	_ = http.NewResponseController(w).Flush()
}

// record counts an answer.
func (s *Sim) record(m *meter, code int, scripted bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code >= 0 {
		m.counted.Codes[code]++
	}
	if scripted {
		m.counted.Scripted++
	}
}

// Calls returns the counters of every endpoint.
func (s *Sim) Calls() map[string]Calls {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]Calls, len(s.meters))
	for endpoint, m := range s.meters {
		counted := m.counted
		counted.Codes = maps.Clone(counted.Codes)
		all[endpoint] = counted
	}
	return all
}

// ResetCalls sets the counters to zero. Budgets stay used.
func (s *Sim) ResetCalls() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.meters {
		m.counted = Calls{Codes: map[int]int{}}
	}
}
