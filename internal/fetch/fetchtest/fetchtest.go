// Package fetchtest holds what every vendor client must do with an HTTP server
// that misbehaves, as one suite.
//
// A vendor describes itself with [Vendor] and calls [Run] from its tests. The
// server is real and on loopback. It echoes the whole request, credential
// included, in everything it sends that is not a good answer: what a client
// lets through shows.
//
// It checks no translation: that is what the golden files of a vendor are for, which
// [Golden] compares.
package fetchtest

import (
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// Source is what the suite needs of a vendor client.
type Source interface {
	Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error)
	Close()
}

// Vendor describes a vendor client to the suite.
type Vendor struct {
	// New returns a client for the server at baseURL with the given secret as
	// its credential. It must use opts for its requests.
	New func(t *testing.T, baseURL, secret string, opts fetch.Options) Source
	// Chain is what the suite asks for: one page, any stream.
	Chain model.Chain
	// Answer is a good answer to it.
	Answer string
	// Authenticate answers requests for a token and the like, with Token in the
	// answer, and reports whether it did. Nil where there are none.
	Authenticate func(w http.ResponseWriter, r *http.Request) bool
	// TokenRefused answers that the token is no good (any more), and Throttled that
	// there were too many calls, as the vendor does. Nil where it has no such thing.
	TokenRefused, Throttled func(w http.ResponseWriter)
	// List is nil for a stream whose answers are no lists.
	List *List
}

// Secret is the credential of the suite. It holds what a URL, a JSON text and a
// shell would escape.
const Secret = "fetchtest-s3cr3t/with+odd=chars&\"quotes\""

// Token is what Authenticate issues.
const Token = "fetchtest-t0ken-0123456789abcdef"

const (
	// attemptTimeout is for what has to arrive however busy the machine is.
	attemptTimeout = 2 * time.Minute
	// hastyTimeout is for an answer that never comes, over a network: the suite waits
	// it out, and so may what comes next on a busy machine.
	hastyTimeout = 400 * time.Millisecond
	// bubbledTimeout is for one that nobody waits out.
	bubbledTimeout = 20 * time.Second
)

// suite is one vendor under test.
type suite struct {
	Vendor
	// timeout of one attempt; 0 is attemptTimeout.
	timeout time.Duration
	// transport replaces the network, if not nil.
	transport http.RoundTripper
	// impatient clients wait for no budget and no block.
	impatient bool
	// cursor is asked for; "" is the head.
	cursor string
}

// step answers one request.
type step func(w http.ResponseWriter, r *http.Request)

// outcome of one page.
type outcome struct {
	page model.Page
	err  error
	// calls counts the requests that reached the server, those for a token not.
	calls int
}

// Run runs the suite. Subtests are parallel.
func Run(t *testing.T, v Vendor) {
	t.Helper()
	s := suite{Vendor: v}
	t.Run("passing faults are repeated", s.repeats)
	t.Run("lasting faults end", s.ends)
	t.Run("the verdict of HTTP", s.statuses)
	t.Run("Retry-After", s.retryAfter)
	t.Run("redirects are not followed", s.redirect)
	t.Run("the context ends a request", s.canceled)
	t.Run("an unreachable vendor", s.unreachable)
	if v.TokenRefused != nil {
		t.Run("a token is replaced once", s.token)
	}
	if v.Throttled != nil {
		t.Run("too many calls", s.throttled)
	}
	if v.List != nil {
		t.Run("pages follow each other", s.paging)
		t.Run("empty pages", s.empty)
		t.Run("elements that cannot be read", s.malformed)
		t.Run("unknown members are kept", s.unknown)
		t.Run("a credential in a good answer", s.echoed)
	}
	t.Run("no goroutine is left", s.leaks)
}

// page asks for one page of a server that answers with one step after the other
// and goes on with the last one.
func (s suite) page(t *testing.T, steps ...step) outcome {
	t.Helper()
	return s.pageWith(t.Context(), t, steps...)
}

func (s suite) pageWith(ctx context.Context, t *testing.T, steps ...step) outcome {
	t.Helper()
	var calls atomic.Int32
	server := httptest.NewServer(s.serve(&calls, steps))
	defer server.Close()
	return s.ask(ctx, t, server.URL, &calls)
}

// pageOf is page, for a fault. One that a timeout ends is met in a bubble, without a
// network: nothing is waited out there, and nothing late that has to come in time.
func (s suite) pageOf(t *testing.T, fault string, steps ...step) (got outcome) {
	t.Helper()
	if fault != tooSlow {
		return s.page(t, steps...)
	}
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		s.transport, s.timeout = inProcess{s.serve(&calls, steps)}, bubbledTimeout
		got = s.ask(t.Context(), t, "http://vendor", &calls)
	})
	return got
}

func (s suite) serve(calls *atomic.Int32, steps []step) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if s.Authenticate != nil && s.Authenticate(w, r) {
			return
		}
		steps[min(int(calls.Add(1)), len(steps))-1](w, r)
	}
}

// inProcess is a server that is asked without a network.
type inProcess struct{ http.Handler }

// RoundTrip is the answer, or how the request ended before there was one.
func (p inProcess) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body == nil { // a server always has one
		r = r.WithContext(r.Context())
		r.Body = http.NoBody
	}
	defer r.Body.Close()
	answer := httptest.NewRecorder()
	p.ServeHTTP(answer, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}
	return answer.Result(), nil
}

func (s suite) ask(ctx context.Context, t *testing.T, baseURL string, calls *atomic.Int32) outcome {
	t.Helper()
	opts := fetch.Options{
		ConnectTimeout: attemptTimeout, HeaderTimeout: attemptTimeout,
		AttemptTimeout: cmp.Or(s.timeout, attemptTimeout), BodyBytesMax: 1 << 20,
		BackoffFirst: time.Millisecond, BackoffMax: time.Millisecond, Transport: s.transport,
	}
	if s.impatient {
		opts.WaitMax = time.Millisecond
	}
	source := s.New(t, baseURL, Secret, opts)
	defer source.Close()
	page, err := source.Page(ctx, s.Chain, s.cursor)
	if err == nil {
		return outcome{page, nil, int(calls.Load())}
	}
	_, classed := errors.AsType[*fetch.Error](err)
	require.True(t, classed, "%T is no *fetch.Error", err)
	require.Zero(t, page.Rows(), "a page beside an error")
	require.Empty(t, page.Rejects, "rejects beside an error")
	for e := err; e != nil; e = errors.Unwrap(e) {
		require.NotContains(t, e.Error(), Secret)
		require.NotContains(t, e.Error(), "fetchtest-s3cr3t", "the secret in some other form")
		require.NotContains(t, e.Error(), Token)
	}
	return outcome{page, err, int(calls.Load())}
}

// good sends the vendor's answer.
func (s suite) good(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, s.Answer)
}

// echo sends the request back with a status.
func echo(status int, contentType string) step {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = w.Write(requestText(r))
	}
}

func requestText(r *http.Request) []byte {
	text, err := httputil.DumpRequest(r, true)
	if err != nil {
		return []byte(r.URL.String())
	}
	return append(text, r.URL.RawQuery...)
}

// tooSlow names the fault that only a timeout ends.
const tooSlow = "too slow"

// Steps that go wrong in ways that pass.
func (s suite) faults() map[string]step {
	return map[string]step{
		"500":             echo(500, "text/plain"),
		"502":             echo(502, "text/html"),
		"503":             echo(503, "application/json"),
		"HTML with 200":   echo(200, "text/html"),
		"garbage JSON":    func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(`{"x":` + r.URL.String())) },
		"empty body":      func(http.ResponseWriter, *http.Request) {},
		"null":            func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "null") },
		"an array":        func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "[]") },
		"half the answer": s.half,
		"cut body":        s.cut,
		"hung up":         hangUp,
		tooSlow:           slow,
		"not HTTP":        notHTTP,
	}
}

// half sends the first half as if it were all.
func (s suite) half(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, s.Answer[:len(s.Answer)/2])
}

// cut announces the whole and hangs up after half of it.
func (s suite) cut(w http.ResponseWriter, _ *http.Request) {
	raw(w, "HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n"+s.Answer[:len(s.Answer)/2])
}

// hangUp closes in the middle of the header. Before its first byte net/http
// would repeat a GET by itself, which nobody could count.
func hangUp(w http.ResponseWriter, _ *http.Request) { raw(w, "HTTP/1.") }

func notHTTP(w http.ResponseWriter, r *http.Request) { raw(w, r.URL.String()+"\r\n\r\n") }

// raw sends a text instead of an HTTP answer and closes the connection.
func raw(w http.ResponseWriter, text string) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

// slow never answers.
func slow(_ http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body)
	<-r.Context().Done()
}

// huge sends more than the cap, and says so neither before nor after.
func huge(w http.ResponseWriter, _ *http.Request) {
	_, _ = io.WriteString(w, `{"x":"`)
	block := strings.Repeat("x", 1<<16)
	for range 64 {
		if _, err := io.WriteString(w, block); err != nil {
			return
		}
	}
}
