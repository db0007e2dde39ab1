package web

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"time"
)

// Check is one thing that has to be well before there can be work.
type Check struct {
	// Name is a word: "database".
	Name string
	// Ask returns why it is not; nil if it is.
	Ask func(context.Context) error
}

// checkMax is how long all checks together may take.
const checkMax = 3 * time.Second

// readiness is what /readyz says.
type readiness struct {
	Ready  bool          `json:"ready"`
	Checks []checkResult `json:"checks"`
}

type checkResult struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	// Reason is why it is not.
	Reason string `json:"reason,omitempty"`
}

// look makes all checks, at once.
func look(ctx context.Context, checks []Check, scrub func(string) string) readiness {
	r := readiness{Ready: true, Checks: make([]checkResult, len(checks))}
	var all sync.WaitGroup
	for i, check := range checks {
		all.Go(func() {
			r.Checks[i] = checkResult{Name: check.Name, OK: true}
			if err := check.Ask(ctx); err != nil {
				r.Checks[i].OK, r.Checks[i].Reason = false, scrub(err.Error())
			}
		})
	}
	all.Wait()
	for _, c := range r.Checks {
		r.Ready = r.Ready && c.OK
	}
	return r
}

// healthz says that the process answers.
func healthz(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	_, _ = w.Write([]byte("ok\n")) // a reader who has left misses nothing
}

// readyz says whether the process can work, and otherwise why not.
func (s *Server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), checkMax+time.Second)
	defer cancel()
	known := s.ready.get(ctx)
	state := known.value
	if known.at.IsZero() {
		state = readiness{Checks: []checkResult{{Name: "checks", Reason: "they take too long"}}}
	}
	w.Header().Set("Content-Type", "application/json")
	if !state.Ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	_ = enc.Encode(state)
}
