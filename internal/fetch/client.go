package fetch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// Options are the bounds of a [Client]. A zero field takes the default named
// beside it.
type Options struct {
	// Source is the configured name; it is in every error and every hook.
	Source string
	// Version is the release named in the User-Agent header: syncd/<version>.
	Version string

	// ConnectTimeout bounds the dial and, again, the TLS handshake (10 s).
	ConnectTimeout time.Duration
	// HeaderTimeout runs from the request's last byte to the answer's header
	// (20 s).
	HeaderTimeout time.Duration
	// AttemptTimeout bounds one attempt, body included (30 s).
	AttemptTimeout time.Duration
	// RequestTimeout bounds one call of Do with its waits and repeats (5 min).
	RequestTimeout time.Duration

	// BodyBytesMax caps an answer, counted after decompression (32 MiB).
	BodyBytesMax int64
	// TriesMax is how often one request is sent at most (3).
	TriesMax int
	// BackoffFirst and BackoffMax bound the full jitter before a repeat: the
	// n-th pause is drawn from [0, min(BackoffMax, BackoffFirst·2ⁿ)] (1 s, 20 s).
	BackoffFirst, BackoffMax time.Duration
	// RetryAfterMax caps what a Retry-After header can ask for (1 h), not what a
	// verdict knows.
	RetryAfterMax time.Duration
	// WaitMax is the longest single wait for a budget or a vendor's block. A
	// longer one is refused at once with ClassThrottled and RetryAfter (90 s).
	WaitMax time.Duration

	// Limits is the call budget.
	Limits Limits
	// Meter books every request that is not Unmetered before it is sent; nil is
	// none.
	Meter Meter
	// Pacer keeps Limits.PerSecond, PerMinute and PerHour over all processes that
	// share them; nil keeps them in this process.
	Pacer Pacer
	// Now is the clock of RequestedAt and ReceivedAt, and by which Meter is told how
	// long the vendor has nothing left (time.Now). Waits and budgets keep to the
	// real one.
	Now func() time.Time
	// Hosts remembers hosts that have banned this machine. Clients of one process
	// share it; nil is one of the client's own.
	Hosts *Hosts
	// Penalties are the times for which an endpoint rests after ClassThrottled
	// without a time of the vendor's: the first entry, at the next one the
	// second, …; the last repeats. A success starts over. None: plain backoff.
	Penalties []time.Duration
	// CongestionCodes are the vendor's codes within ClassThrottled that mean
	// "too many at once": they lower the number in flight instead of resting.
	CongestionCodes []string

	// Scrubber removes secrets from every text that leaves; nil is an empty one.
	Scrubber *Scrubber
	// Hooks are called on the goroutine of the request.
	Hooks Hooks
	// Transport replaces the network, for tests; nil is our own.
	Transport http.RoundTripper
}

// paced are the limits that this process keeps by itself. The hour is counted in any
// case, for [Budget.State].
func (o Options) paced() Limits {
	l := o.Limits
	if o.Pacer != nil {
		l.PerSecond, l.PerMinute = 0, 0
	}
	return l
}

func (o Options) withDefaults() Options {
	o.Version = cmp.Or(o.Version, "dev")
	o.ConnectTimeout = cmp.Or(o.ConnectTimeout, 10*time.Second)
	o.HeaderTimeout = cmp.Or(o.HeaderTimeout, 20*time.Second)
	o.AttemptTimeout = cmp.Or(o.AttemptTimeout, 30*time.Second)
	o.RequestTimeout = cmp.Or(o.RequestTimeout, 5*time.Minute)
	o.BodyBytesMax = cmp.Or(o.BodyBytesMax, 32<<20)
	o.TriesMax = cmp.Or(o.TriesMax, 3)
	o.BackoffFirst = cmp.Or(o.BackoffFirst, time.Second)
	o.BackoffMax = cmp.Or(o.BackoffMax, 20*time.Second)
	o.RetryAfterMax = cmp.Or(o.RetryAfterMax, time.Hour)
	o.WaitMax = cmp.Or(o.WaitMax, 90*time.Second)
	o.Limits.Concurrency = cmp.Or(o.Limits.Concurrency, 4)
	if o.Scrubber == nil {
		o.Scrubber = NewScrubber()
	}
	if o.Hosts == nil {
		o.Hosts = NewHosts()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Meter != nil {
		o.Limits.PerMonth = 0
	}
	return o
}

// Request is one request, described so that it can be sent more than once.
type Request struct {
	// Endpoint is the label and the key of the budget: "groupchat/get".
	Endpoint string
	// Lane is the share of Options.Meter that the request is booked on; "" is none
	// of its own.
	Lane string
	// Unmetered requests are not booked, and sent whatever is spent: those for a
	// token.
	Unmetered bool
	// Prepare builds the request. It is called anew before every attempt, after
	// the waiting, so that a token or a signature is fresh. Its error ends the
	// request; an [*Error] is passed on.
	Prepare func(ctx context.Context) (*http.Request, error)
	// Verdict decodes and classes an answer, whatever its status but 3xx; nil
	// means good. Without it [StatusError] decides. It may be called once per
	// attempt, never concurrently.
	Verdict func(Answer) *Error
}

// Answer is what came back from one attempt.
type Answer struct {
	Status int
	Header http.Header
	// Body is decompressed and whole. The callee may keep it.
	Body []byte
}

// Response is a request that was answered well. Beside an error only Calls and,
// once something was sent, the times are set.
type Response struct {
	Body []byte
	// RequestedAt and ReceivedAt bracket the last attempt.
	RequestedAt, ReceivedAt time.Time
	// Calls is how many attempts were sent, the last included.
	Calls int
}

// Client sends requests for one source. It is safe for concurrent use.
type Client struct {
	opts      Options
	transport http.RoundTripper
	budget    *Budget
}

// NewClient returns a client with its own connections and its own budget.
func NewClient(opts Options) *Client {
	opts = opts.withDefaults()
	c := &Client{opts: opts, transport: opts.Transport}
	c.budget = newBudget(opts.paced(), opts.Penalties, opts.CongestionCodes)
	if c.transport == nil {
		c.transport = newTransport(opts)
	}
	return c
}

func newTransport(opts Options) *http.Transport {
	dialer := &net.Dialer{Timeout: opts.ConnectTimeout, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		TLSHandshakeTimeout:   opts.ConnectTimeout,
		ResponseHeaderTimeout: opts.HeaderTimeout,
		// A vendor is one host: every slot keeps its connection, and two are
		// left for the authentication call.
		// They are for the next request, not for the next pass: a daemon may have a
		// thousand sources.
		MaxIdleConns:           opts.Limits.Concurrency + 2,
		MaxIdleConnsPerHost:    opts.Limits.Concurrency + 2,
		IdleConnTimeout:        15 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
	}
}

// Close drops the idle connections. Requests under way are not disturbed.
func (c *Client) Close() {
	if t, ok := c.transport.(interface{ CloseIdleConnections() }); ok {
		t.CloseIdleConnections()
	}
}

// Budget returns the call budget of the client.
func (c *Client) Budget() *Budget { return c.budget }

// Scrubber returns the scrubber of the client, for texts that leave by another
// way than an error, and for secrets learnt later.
func (c *Client) Scrubber() *Scrubber { return c.opts.Scrubber }

// Do sends the request until it is answered well, answered with an error that
// does not pass, or a bound of [Options] is reached. Every error is an [*Error],
// but for one of who keeps Options.Meter or Pacer, which is no vendor's and wrapped
// as it is.
// When ctx ends, the error has code "canceled" and wraps ctx's own; a deadline
// of ours has code "timeout" and wraps nothing.
func (c *Client) Do(ctx context.Context, req Request) (Response, error) {
	bounded, cancel := context.WithTimeoutCause(ctx, c.opts.RequestTimeout, &deadlineError{
		"one request with its repeats", c.opts.RequestTimeout,
	})
	defer cancel()
	run := &run{Client: c, req: req, gate: c.budget.gate(req.Endpoint), caller: ctx, pauses: c.pauses()}
	for {
		bad := run.try(bounded)
		if run.keeper != nil {
			return run.resp, run.keeper
		}
		if bad == nil {
			return run.resp, nil
		}
		if !run.again(bounded, bad) {
			return run.resp, c.seal(req.Endpoint, bad)
		}
		if over := run.pause(bounded, bad); over != nil {
			return run.resp, c.seal(req.Endpoint, over)
		}
	}
}

// pauses draws full jitter: a random factor of 1 spreads each step over
// [0, 2·step], so the steps are half of what the options say.
func (c *Client) pauses() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     c.opts.BackoffFirst / 2,
		RandomizationFactor: 1,
		Multiplier:          2,
		MaxInterval:         c.opts.BackoffMax / 2,
	}
	b.Reset()
	return b
}

// seal makes an error fit to leave: named, scrubbed, and wrapping nothing but
// the caller's own context error.
func (c *Client) seal(endpoint string, bad *Error) *Error {
	e := *bad
	e.Source = cmp.Or(e.Source, c.opts.Source)
	e.Endpoint = cmp.Or(e.Endpoint, endpoint)
	e.Code = c.opts.Scrubber.Text(e.Code)
	e.Message = c.opts.Scrubber.Text(e.Message)
	e.Remedy = c.opts.Scrubber.Text(e.Remedy)
	switch {
	case errors.Is(bad.Err, context.Canceled):
		e.Err = context.Canceled
	case errors.Is(bad.Err, context.DeadlineExceeded):
		e.Err = context.DeadlineExceeded
	default:
		e.Err = nil
	}
	return &e
}

// Format prints the source and nothing else, in any verb.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "fetch.Client("+c.opts.Source+")")
}
