package scrm

import (
	"context"
	"fmt"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/serve"
)

// The endpoints, as [serve.Request] and the call counters name them: the path
// below /api/v3/.
const (
	EndpointGroups = "groupSop/getGroupList"
	EndpointUsers  = "get-users"
)

// Script lets a test see every call and bend its answer, and change the tenant
// before each.
type Script = serve.Script[int]

// Sim is a vendor with one tenant. It is an [http.Handler] and safe for use from
// many goroutines.
type Sim struct {
	opt     Options
	tenant  *tenant
	clock   *serve.Clock
	front   *serve.Front[int]
	faults  *fault.Armory[*call]
	bucket  *bucket
	control *http.ServeMux
	indexes indexes

	changing sync.Mutex // held to change the tenant by hand
	changes  atomic.Pointer[changes]
}

// New makes a simulator. The error lists every option out of range.
func New(o Options) (*Sim, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, fmt.Errorf("simulator options: %w", err)
	}
	s := &Sim{
		opt:    o,
		tenant: newTenant(o),
		clock:  serve.NewClock(o.Start, o.Now),
		front:  serve.NewFront(codeNone, EndpointGroups, EndpointUsers),
		faults: catalogue.Armory(),
		bucket: newBucket(o.PerSecond),
	}
	s.changes.Store(&changes{})
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

// Calls returns the counters of every endpoint, by the constants.
func (s *Sim) Calls() map[string]serve.Calls[int] { return s.front.Calls() }

// ResetCalls sets the counters to zero.
func (s *Sim) ResetCalls() { s.front.ResetCalls() }

// Arm puts a fault into force, for calls that arrive from now on, beside those
// that are: a call can be struck by many. See [ParseFault] for the text.
func (s *Sim) Arm(text string) error { return s.faults.Arm(text) }

// Disarm lifts all faults.
func (s *Sim) Disarm() { s.faults.Disarm() }

// Armed lists the faults in force, in the order in which they strike.
func (s *Sim) Armed() []fault.Armed { return s.faults.Armed() }

// Start serves the simulator on addr ("127.0.0.1:0" for any free port) until ctx
// ends. When it returns, the port answers.
func (s *Sim) Start(ctx context.Context, addr string) (*serve.Server, error) {
	return serve.Start(ctx, addr, s)
}

// call is one request on its way through the simulator.
type call struct {
	sim     *Sim
	request serve.Request
	list    listBend
	// skew is how far the vendor's clock is off, key what it takes for the
	// application's key where that is not so.
	skew time.Duration
	key  string
}

// ServeHTTP answers vendor calls under /api/v3/ and /apiServer/api/v3/, and
// control calls under /_sim/; any other path is HTTP 404.
func (s *Sim) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/_sim/") {
		s.control.ServeHTTP(w, r)
		return
	}
	endpoint, found := strings.CutPrefix(strings.TrimPrefix(r.URL.Path, "/apiServer"), "/api/v3/")
	if !found || !s.front.Has(endpoint) {
		http.NotFound(w, r)
		return
	}
	// Also answers that are not the simulator's own tell its time.
	w.Header().Set("Date", date(s.opt.Now()))
	s.front.Handle(w, r, endpoint, func(q serve.Request, _ int) serve.Turn[int] {
		c := &call{sim: s, request: q, key: s.opt.AppKey}
		return serve.Turn[int]{
			Bend:    func(v *serve.Verdict) { s.faults.Bend(c, v) },
			Latency: s.opt.Latency,
			Answer:  func() (serve.Answer, int) { return s.answer(c) },
		}
	})
}

// answer makes the simulator's own answer and its code. Its header Date is the
// vendor's clock.
func (s *Sim) answer(c *call) (serve.Answer, int) {
	now := s.opt.Now().Add(c.skew)
	a := serve.Answer{Header: http.Header{"Date": {date(now)}}}
	if status := checkHTTP(c.request); status != 0 {
		a.Status = status
		a.Body = refused(refusal{status, http.StatusText(status)})
		return a, status
	}
	if _, service := s.clock.Read(); !s.bucket.take(service) {
		a.Status = http.StatusTooManyRequests
		a.Body = refused(refusal{codeTooOften, "too many requests"})
		if s.opt.RetryAfter > 0 {
			a.Header.Set("Retry-After", strconv.Itoa(int(s.opt.RetryAfter/time.Second)))
		}
		return a, codeTooOften
	}
	var code int
	a.Body, code = s.body(c, now)
	return a, code
}

func date(at time.Time) string { return at.UTC().Format(http.TimeFormat) }

// checkHTTP refuses what does not get as far as the vendor's own checks; 0 for
// good requests.
func checkHTTP(r serve.Request) int {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	switch {
	case r.Method != http.MethodPost:
		return http.StatusMethodNotAllowed
	case err != nil || kind != "application/json":
		return http.StatusUnsupportedMediaType
	}
	return 0
}

func (s *Sim) body(c *call, now time.Time) ([]byte, int) {
	bad := s.authorize(c.request.Header, c.request.Body, now, c.key)
	if bad.code != codeOK {
		return refused(bad), bad.code
	}
	var body []byte
	switch c.request.Endpoint {
	case EndpointGroups:
		body, bad = s.groupList(c)
	case EndpointUsers:
		body, bad = s.users(c)
	}
	if bad.code != codeOK {
		return refused(bad), bad.code
	}
	return body, codeOK
}
