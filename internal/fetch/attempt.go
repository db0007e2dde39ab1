package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// The codes of errors that are not the vendor's.
const (
	codeTimeout = "timeout"
	codeNetwork = "network"
	codeTLS     = "tls"
	codeBody    = "body"
	codeBudget  = "budget"
	codeNotJSON = "not json"
)

// deadlineError is the cause of a context that one of our deadlines ended.
type deadlineError struct {
	name  string
	after time.Duration
}

func (d *deadlineError) Error() string {
	return fmt.Sprintf("deadline of %s for %s", d.after, d.name)
}

func timeoutError(cause error) *Error {
	return &Error{Class: ClassTransient, Code: codeTimeout, Message: cause.Error()}
}

// How far an attempt has come, to name the deadline that ended it.
const (
	stageConnecting int32 = iota
	stageWaiting
	stageReading
)

// exchange sends one attempt and reads its answer whole. The transport is asked
// directly, without http.Client: it follows no redirect and puts no URL into
// its errors.
func (r *run) exchange(ctx context.Context, httpReq *http.Request) (Answer, *Error) {
	attempt, cancel := context.WithTimeoutCause(ctx, r.opts.AttemptTimeout, &deadlineError{
		"one attempt", r.opts.AttemptTimeout,
	})
	defer cancel()
	var stage atomic.Int32
	traced := httptrace.WithClientTrace(attempt, &httptrace.ClientTrace{
		GotConn:              func(httptrace.GotConnInfo) { stage.Store(stageWaiting) },
		GotFirstResponseByte: func() { stage.Store(stageReading) },
	})
	resp, err := r.transport.RoundTrip(once(httpReq.WithContext(traced)))
	if err != nil {
		return Answer{}, r.broken(attempt, stage.Load(), err)
	}
	defer resp.Body.Close()
	body, err := r.read(resp)
	answer := Answer{Status: resp.StatusCode, Header: resp.Header, Body: body}
	if err == nil {
		return answer, nil
	}
	if bad, ok := errors.AsType[*Error](err); ok {
		return answer, bad
	}
	return answer, r.broken(attempt, stageReading, err)
}

// once keeps net/http from repeating a GET by itself when a connection that was
// used before ends without an answer: the vendor may have counted the first one,
// and our budget would not know of the second. It does so only with a request
// whose body it can have again, so this one gets an empty body of its own. A POST
// it does not repeat, and would send with a body of unknown length then.
func once(httpReq *http.Request) *http.Request {
	if httpReq.Method == http.MethodGet && (httpReq.Body == nil || httpReq.Body == http.NoBody) {
		httpReq.Body, httpReq.GetBody = io.NopCloser(strings.NewReader("")), nil
	}
	return httpReq
}

// read takes the body up to the cap. A body that goes beyond is not read any
// further, so a small compressed answer cannot fill the memory either.
func (r *run) read(resp *http.Response) ([]byte, error) {
	limit := r.opts.BodyBytesMax
	tooLarge := &Error{
		Class: ClassMalformed, Code: codeBody,
		Message: fmt.Sprintf("answer is larger than %d bytes", limit),
	}
	if resp.ContentLength > limit {
		return nil, tooLarge
	}
	var buf bytes.Buffer
	if resp.ContentLength > 0 {
		// One more than announced, or the end would cost another growth.
		buf.Grow(int(resp.ContentLength) + bytes.MinRead)
	}
	n, err := buf.ReadFrom(io.LimitReader(resp.Body, limit+1))
	if n > limit {
		return nil, tooLarge
	}
	return buf.Bytes(), err
}

// broken classes an error of the transport. Everything of the kind may pass.
func (r *run) broken(attempt context.Context, stage int32, err error) *Error {
	if err := r.caller.Err(); err != nil {
		return r.ended(attempt)
	}
	if attempt.Err() != nil {
		return timeoutError(context.Cause(attempt))
	}
	if timeout, ok := errors.AsType[net.Error](err); ok && timeout.Timeout() {
		switch stage {
		case stageConnecting:
			return timeoutError(&deadlineError{"the connection", r.opts.ConnectTimeout})
		case stageWaiting:
			return timeoutError(&deadlineError{"the answer's header", r.opts.HeaderTimeout})
		}
	}
	bad := &Error{Class: ClassTransient, Code: codeNetwork, Message: err.Error()}
	switch {
	case isTLS(err):
		bad.Code = codeTLS
		bad.Remedy = "check base_url, the clock and the system's certificates"
	case stage == stageReading && errors.Is(err, io.ErrUnexpectedEOF):
		bad.Message = "answer was cut off"
	}
	return bad
}

func isTLS(err error) bool {
	_, verify := errors.AsType[*tls.CertificateVerificationError](err)
	_, record := errors.AsType[tls.RecordHeaderError](err)
	_, alert := errors.AsType[tls.AlertError](err)
	_, host := errors.AsType[x509.HostnameError](err)
	return verify || record || alert || host
}

// redirectError names the host that a redirect points to and nothing else of
// the address, which may repeat our query.
func redirectError(a Answer) *Error {
	host := "an unreadable address"
	if to, err := url.Parse(a.Header.Get("Location")); err == nil {
		host = to.Host
		if host == "" {
			host = "the same host"
		}
	}
	return &Error{
		Class: ClassTransient, Code: "http " + strconv.Itoa(a.Status),
		Message: "redirect to " + host + ", not followed",
		Remedy:  "check base_url, and whether a proxy or a maintenance page stands in between",
	}
}

// StatusError classes an answer by its HTTP status alone: nil for 2xx, and for
// the rest what the status commonly means. The body is not looked at.
func StatusError(a Answer) *Error {
	bad := &Error{Code: "http " + strconv.Itoa(a.Status), Message: http.StatusText(a.Status)}
	switch s := a.Status; {
	case s/100 == 2:
		return nil
	case s == http.StatusTooManyRequests:
		bad.Class = ClassThrottled
	case s/100 == 5, s == http.StatusRequestTimeout, s == http.StatusTooEarly:
		bad.Class = ClassTransient
	case s == http.StatusUnauthorized, s == http.StatusForbidden, s == http.StatusProxyAuthRequired:
		bad.Class = ClassAuth
		bad.Remedy = "check the credential, base_url and what stands between here and the vendor"
	case s/100 == 4:
		bad.Class = ClassRefused
	default:
		bad.Class = ClassMalformed
	}
	return bad
}

// NotJSON is the error for a body that is no JSON at all: a page of a gateway
// or an answer cut short. Such things pass.
func NotJSON(a Answer) *Error {
	return &Error{
		Class: ClassTransient, Code: codeNotJSON,
		Message: fmt.Sprintf("answer of %d bytes (%q) is not JSON", len(a.Body), a.Header.Get("Content-Type")),
	}
}

// retryAfter reads a Retry-After header, seconds or a date; 0 without one.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if v == "" {
		return 0
	}
	if s, err := strconv.ParseUint(v, 10, 31); err == nil {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(v); err == nil {
		return max(at.Sub(now), 0)
	}
	return 0
}
