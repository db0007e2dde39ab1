package main

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sync/errgroup"

	"syncd/internal/vendorsim"
)

// ask is one request as it came.
type ask struct{ method, uri, path, body string }

// vendor is a simulator whose good answers are kept, so that making them costs
// nothing when they are asked for again. A token goes to the simulator always.
type vendor struct {
	*httptest.Server
	sim  *vendorsim.Sim
	keep bool

	mu        sync.RWMutex
	latency   time.Duration
	answers   map[string][]byte
	recording bool
	asked     []ask
}

func startVendor(b *testing.B, sim *vendorsim.Sim, keep bool) *vendor {
	b.Helper()
	v := &vendor{sim: sim, keep: keep, answers: map[string][]byte{}}
	v.Server = httptest.NewServer(v)
	b.Cleanup(v.Close)
	return v
}

// record begins to note what is asked, and recorded returns it.
func (v *vendor) record() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.recording, v.asked = true, nil
}

func (v *vendor) recorded() []ask {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.recording = false
	return v.asked
}

// delay sets what every answer but a token waits for.
func (v *vendor) delay(d time.Duration) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.latency = d
}

// ServeHTTP answers from memory, or has the simulator answer and remembers it.
func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !v.keep || strings.HasSuffix(r.URL.Path, "/"+vendorsim.EndpointToken) {
		v.sim.ServeHTTP(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	asked := ask{method: r.Method, uri: r.URL.RequestURI(), path: r.URL.Path, body: string(body)}
	answer, latency := v.answer(asked, r)
	if latency > 0 {
		time.Sleep(latency)
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
	_, _ = w.Write(answer) // a client that went away
}

func (v *vendor) answer(asked ask, r *http.Request) ([]byte, time.Duration) {
	key := asked.path + "\n" + asked.body
	v.mu.RLock()
	answer, ok := v.answers[key]
	latency, recording := v.latency, v.recording
	v.mu.RUnlock()
	if ok && !recording {
		return answer, latency
	}
	if !ok {
		r.Body = io.NopCloser(strings.NewReader(asked.body))
		made := httptest.NewRecorder()
		v.sim.ServeHTTP(made, r)
		answer = made.Body.Bytes()
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	if bytes.HasPrefix(answer, []byte(`{"errcode":0,`)) {
		v.answers[key] = answer
	}
	if recording {
		v.asked = append(v.asked, asked)
	}
	return answer, latency
}

// cursorField tells the pages of one list apart.
var cursorField = regexp.MustCompile(`"cursor":"[^"]*",?`)

// discard is the first limit: the same requests by a bare client, as many at
// once and in the same order within each list, every answer read and dropped.
func (s *benchSite) discard(b *testing.B) limit {
	b.Helper()
	s.vendor.delay(s.latency)
	defer s.vendor.delay(0)
	transport := &http.Transport{MaxIdleConnsPerHost: s.inFlight, MaxIdleConns: s.inFlight}
	defer transport.CloseIdleConnections()
	client := &http.Client{Transport: transport}

	var chains [][]ask
	number := map[string]int{}
	for _, a := range s.asked {
		key := a.path + cursorField.ReplaceAllString(a.body, "")
		at, ok := number[key]
		if !ok {
			at = len(chains)
			number[key] = at
			chains = append(chains, nil)
		}
		chains[at] = append(chains[at], a)
	}
	var read sync.Map
	began := time.Now()
	g, ctx := errgroup.WithContext(b.Context())
	g.SetLimit(s.inFlight)
	for i, chain := range chains {
		g.Go(func() error {
			var sum int64
			for _, a := range chain {
				req, err := http.NewRequestWithContext(ctx, a.method, s.vendor.URL+a.uri, strings.NewReader(a.body))
				if err != nil {
					return err
				}
				req.Header.Set("Content-Type", "application/json")
				n, err := drop(client, req)
				if err != nil {
					return err
				}
				sum += n
			}
			read.Store(i, sum)
			return nil
		})
	}
	require.NoError(b, g.Wait())
	l := limit{took: time.Since(began), calls: len(s.asked)}
	for _, sum := range read.Range {
		l.bytes += sum.(int64)
	}
	return l
}

// drop sends a request and reads the answer away.
func drop(client *http.Client, req *http.Request) (int64, error) {
	resp, err := client.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return 0, fmt.Errorf("status %d", resp.StatusCode)
	}
	return io.Copy(io.Discard, resp.Body)
}
