package serve

import (
	"errors"
	"net/http"
	"sync"
	"time"
)

// errBackwards says that a clock was asked to go back.
var errBackwards = errors.New("the clock does not go back")

// Clock is the time of a simulated vendor. It stands still until it is moved.
type Clock struct {
	start time.Time
	real  func() time.Time

	mu  sync.Mutex
	now time.Time
}

// NewClock makes a clock that stands at start; realNow is the time behind service
// time.
func NewClock(start time.Time, realNow func() time.Time) *Clock {
	return &Clock{start: start, real: realNow, now: start}
}

// Now is the tenant's time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Read returns the tenant's time and service time, the time of tokens and limits:
// the real time plus what the clock was moved.
func (c *Clock) Read() (now, service time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now, c.real().Add(c.now.Sub(c.start))
}

// Advance moves the clock on by d and returns the new time. A d below 0 is an
// error; parts of a second are dropped.
func (c *Clock) Advance(d time.Duration) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if d < 0 {
		return c.now, errBackwards
	}
	c.now = c.now.Add(d.Truncate(time.Second))
	return c.now, nil
}

// Controls adds the control endpoints of the clock.
//
//	GET  /_sim/clock  {"now":"2026-11-01T09:00:00+08:00"}
//	POST /_sim/clock  {"advance":"24h"} or {"now":"2026-11-02T09:00:00+08:00"}; never back
func (c *Clock) Controls(mux *http.ServeMux) {
	mux.HandleFunc("GET /_sim/clock", func(w http.ResponseWriter, _ *http.Request) { c.reply(w) })
	mux.HandleFunc("POST /_sim/clock", c.move)
}

func (c *Clock) reply(w http.ResponseWriter) {
	Reply(w, struct {
		Now time.Time `json:"now"`
	}{c.Now()})
}

func (c *Clock) move(w http.ResponseWriter, r *http.Request) {
	var move struct {
		Advance string    `json:"advance"`
		Now     time.Time `json:"now"`
	}
	if !ReadControl(w, r, &move) {
		return
	}
	var by time.Duration
	switch {
	case (move.Advance == "") == move.Now.IsZero():
		http.Error(w, `want one of {"advance":"24h"} and {"now":"2026-11-02T09:00:00+08:00"}`, http.StatusBadRequest)
		return
	case move.Advance == "":
		by = move.Now.Sub(c.Now())
	default:
		var err error
		if by, err = time.ParseDuration(move.Advance); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	if _, err := c.Advance(by); err != nil {
		http.Error(w, err.Error(), http.StatusConflict)
		return
	}
	c.reply(w)
}
