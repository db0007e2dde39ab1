package serve

import (
	"context"
	"net/http"
	"net/url"
	"time"
)

// Script lets a test see every call and bend its answer. K is the type of the
// vendor's codes. Both functions may be nil, are called from many goroutines at once, and may block: a blocked call is
// in flight. Control calls pass them by.
type Script[K comparable] struct {
	// OnRequest is called when the body has arrived and before anything is
	// looked at. The context ends when the client goes away.
	OnRequest func(context.Context, Request) Verdict
	// OnResponse is called when the answer has been handed to the network in
	// full, or has been cut; the client may be reading it already.
	OnResponse func(Response[K])
}

// Request is one call as it arrived.
type Request struct {
	// Seq numbers the calls of all endpoints from 1.
	Seq uint64
	// Endpoint is one of the vendor's constants.
	Endpoint string
	Method   string
	// URL and Header are not to be changed.
	URL    *url.URL
	Header http.Header
	Body   []byte
}

// Verdict is what happens to a call. The zero value lets it through.
type Verdict struct {
	// Delay is waited first, in real time.
	Delay time.Duration
	// Answer is sent in place of the simulator's own, which is then not made: no
	// token is looked at and no budget used.
	Answer *Answer
	// Edit changes the answer before it is sent.
	Edit func(*Answer)
	// Cut breaks the connection after CutAfter bytes of the body, under a
	// Content-Length of the whole. It needs a real server: the handler ends in a
	// panic with [http.ErrAbortHandler].
	Cut      bool
	CutAfter int
	// Stall keeps a cut connection open until the client goes away.
	Stall bool
	// Drop ends the connection without an answer. It needs a real server too.
	Drop bool
}

// Give gives the answer, unless somebody has given one.
func (v *Verdict) Give(a Answer) {
	if v.Answer == nil {
		v.Answer = &a
	}
}

// AddEdit adds a change to those there are.
func (v *Verdict) AddEdit(change func(*Answer)) {
	first := v.Edit
	if first == nil {
		v.Edit = change
		return
	}
	v.Edit = func(a *Answer) {
		first(a)
		change(a)
	}
}

// bent reports whether the call is not simply let through.
func (v *Verdict) bent() bool { return v.Answer != nil || v.Edit != nil || v.broken() }

// broken reports whether the connection does not survive.
func (v *Verdict) broken() bool { return v.Cut || v.Drop }

// Answer is an HTTP response. Zero Status is 200, nil Header that of a JSON body.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte
}

// Response is one call that has been answered.
type Response[K comparable] struct {
	Request Request
	// Code is that of the simulator's own answer, whatever became of it, and the
	// vendor's "none" where the script's was sent in its place.
	Code K
	// Answer is what was sent, or would have been had it not been cut.
	Answer Answer
	Cut    bool
}
