package vendorsim

import (
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// controls are the endpoints under /_sim/, see the package comment.
func (s *Sim) controls() *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_sim/clock", func(w http.ResponseWriter, _ *http.Request) { s.replyClock(w) })
	mux.HandleFunc("POST /_sim/clock", s.moveClock)
	mux.HandleFunc("GET /_sim/calls", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Calls()) })
	mux.HandleFunc("DELETE /_sim/calls", func(w http.ResponseWriter, _ *http.Request) {
		s.ResetCalls()
		reply(w, s.Calls())
	})
	mux.HandleFunc("GET /_sim/tenant", func(w http.ResponseWriter, _ *http.Request) { s.replyTenant(w) })
	mux.HandleFunc("POST /_sim/tokens/expire", s.expireTokens)
	mux.HandleFunc("GET /_sim/faults", func(w http.ResponseWriter, _ *http.Request) { s.replyFaults(w) })
	mux.HandleFunc("POST /_sim/faults", s.armFault)
	mux.HandleFunc("DELETE /_sim/faults", func(w http.ResponseWriter, _ *http.Request) {
		s.Disarm()
		s.replyFaults(w)
	})
	s.hiding(mux)
	return mux
}

func (s *Sim) replyClock(w http.ResponseWriter) {
	reply(w, struct {
		Now time.Time `json:"now"`
	}{s.Now()})
}

func (s *Sim) moveClock(w http.ResponseWriter, r *http.Request) {
	var move struct {
		Advance string    `json:"advance"`
		Now     time.Time `json:"now"`
	}
	if !request(w, r, &move) {
		return
	}
	var by time.Duration
	switch {
	case (move.Advance == "") == move.Now.IsZero():
		http.Error(w, `want one of {"advance":"24h"} and {"now":"2026-11-02T09:00:00+08:00"}`, http.StatusBadRequest)
		return
	case move.Advance == "":
		by = move.Now.Sub(s.Now())
	default:
		var err error
		if by, err = time.ParseDuration(move.Advance); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if _, err := s.Advance(by); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	s.replyClock(w)
}

func (s *Sim) replyTenant(w http.ResponseWriter) {
	now := s.Now()
	reply(w, struct {
		Now  time.Time `json:"now"`
		Seed uint64    `json:"seed"`
		Totals
	}{now, s.opt.Seed, s.Totals(now)})
}

func (s *Sim) expireTokens(w http.ResponseWriter, r *http.Request) {
	var want struct {
		As string `json:"as"`
	}
	if !request(w, r, &want) {
		return
	}
	if want.As != "" && want.As != "expired" && want.As != "invalid" {
		http.Error(w, `"as" is "expired" or "invalid"`, http.StatusBadRequest)
		return
	}
	s.ExpireTokens(want.As == "invalid")
	w.WriteHeader(http.StatusNoContent)
}

// request reads a control request, in which an empty body is {}; false when it
// has been refused.
func request(w http.ResponseWriter, r *http.Request, into any) bool {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, requestBytesMax))
	if err == nil && len(body) > 0 {
		err = json.Unmarshal(body, into, json.RejectUnknownMembers(true))
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return false
	}
	return true
}

func reply(w http.ResponseWriter, what any) {
	body, err := json.Marshal(what, json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil {
		http.Error(w, fmt.Sprintf("encode: %v", err), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = w.Write(append(body, '\n'))
}
