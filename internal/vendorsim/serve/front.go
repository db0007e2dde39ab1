package serve

import (
	"context"
	"io"
	"maps"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// Calls counts what arrived at one endpoint.
type Calls[K comparable] struct {
	// Calls is how many arrived, refused and unanswered ones included.
	Calls int `json:"calls"`
	// Codes counts the simulator's own answers by the vendor's code.
	Codes map[K]int `json:"codes"`
	// Scripted counts the answers that a [Script] or a fault gave, edited or cut.
	Scripted int `json:"scripted"`
	// InFlightMost is the largest number of calls open at once.
	InFlightMost int `json:"in_flight_most"`
}

// Front stands between the network and a vendor whose codes are of type K.
type Front[K comparable] struct {
	none   K
	script atomic.Pointer[Script[K]]
	seq    atomic.Uint64

	mu       sync.Mutex // guards the counters; the map itself is fixed
	counters map[string]*counter[K]
}

type counter[K comparable] struct {
	inFlight int
	counted  Calls[K]
}

// Turn is what one call meets.
type Turn[K comparable] struct {
	// Bend adds to what the script wants; nil adds nothing.
	Bend func(*Verdict)
	// Latency is waited before the answer is made.
	Latency time.Duration
	// Answer makes the simulator's own answer and its code.
	Answer func() (Answer, K)
}

// NewFront makes a front for these endpoints. none is the code of an answer that
// is not the simulator's own.
func NewFront[K comparable](none K, endpoints ...string) *Front[K] {
	f := &Front[K]{none: none, counters: map[string]*counter[K]{}}
	for _, endpoint := range endpoints {
		f.counters[endpoint] = &counter[K]{}
	}
	f.SetScript(Script[K]{})
	f.ResetCalls()
	return f
}

// SetScript replaces the script, for calls that arrive from now on.
func (f *Front[K]) SetScript(script Script[K]) { f.script.Store(&script) }

// Has reports whether there is such an endpoint.
func (f *Front[K]) Has(endpoint string) bool { return f.counters[endpoint] != nil }

// Handle carries one call through: it is counted, meets script and faults, is
// answered and sent. begin is told how many calls of the endpoint are in flight,
// this one included.
func (f *Front[K]) Handle(w http.ResponseWriter, r *http.Request, endpoint string, begin func(q Request, inFlight int) Turn[K]) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax))
	if err != nil {
		http.Error(w, "request body", http.StatusBadRequest)
		return
	}
	q := Request{Seq: f.seq.Add(1), Endpoint: endpoint, Method: r.Method, URL: r.URL, Header: r.Header, Body: body}
	c := f.counters[endpoint]
	inFlight := f.enter(c)
	defer f.leave(c)
	f.serve(w, r, q, c, begin(q, inFlight))
}

func (f *Front[K]) enter(c *counter[K]) (inFlight int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.counted.Calls++
	c.inFlight++
	c.counted.InFlightMost = max(c.counted.InFlightMost, c.inFlight)
	return c.inFlight
}

func (f *Front[K]) leave(c *counter[K]) {
	f.mu.Lock()
	defer f.mu.Unlock()
	c.inFlight--
}

// serve asks the script, waits, answers and tells the script.
func (f *Front[K]) serve(w http.ResponseWriter, r *http.Request, q Request, c *counter[K], turn Turn[K]) {
	script := f.script.Load()
	var verdict Verdict
	if script.OnRequest != nil {
		verdict = script.OnRequest(r.Context(), q)
	}
	if turn.Bend != nil {
		turn.Bend(&verdict)
	}
	if !pause(r.Context(), verdict.Delay) || !pause(r.Context(), turn.Latency) {
		return
	}
	answer, code := Answer{}, f.none
	if verdict.Answer != nil {
		answer = *verdict.Answer
	} else {
		answer, code = turn.Answer()
	}
	if verdict.Edit != nil {
		verdict.Edit(&answer)
	}
	f.record(c, code, &verdict)
	if !verdict.Drop {
		send(w, answer, verdict)
	}
	if script.OnResponse != nil {
		script.OnResponse(Response[K]{Request: q, Code: code, Answer: answer, Cut: verdict.broken()})
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
func (f *Front[K]) record(c *counter[K], code K, v *Verdict) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if v.Answer == nil {
		c.counted.Codes[code]++
	}
	if v.bent() {
		c.counted.Scripted++
	}
}

// Calls returns the counters of every endpoint.
func (f *Front[K]) Calls() map[string]Calls[K] {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]Calls[K], len(f.counters))
	for endpoint, c := range f.counters {
		counted := c.counted
		counted.Codes = maps.Clone(counted.Codes)
		all[endpoint] = counted
	}
	return all
}

// ResetCalls sets the counters to zero. Calls in flight stay so.
func (f *Front[K]) ResetCalls() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, c := range f.counters {
		c.counted = Calls[K]{Codes: map[K]int{}}
	}
}

// Controls adds the control endpoints of the counters.
//
//	GET    /_sim/calls  calls per endpoint and code, most in flight
//	DELETE /_sim/calls  sets them to zero
func (f *Front[K]) Controls(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/calls", func(w http.ResponseWriter, _ *http.Request) { Reply(w, f.Calls()) })
	mux.HandleFunc("DELETE /_sim/calls", func(w http.ResponseWriter, _ *http.Request) {
		f.ResetCalls()
		Reply(w, f.Calls())
	})
}
