package fetch

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
)

const (
	testSecret = "s3cr3t/with+odd=chars&\"quotes\""
	testToken  = "tok-0123456789"
)

// transport answers without a network, so that time can be bubbled.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func reply(status int, body string, header ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(header); i += 2 {
		h.Set(header[i], header[i+1])
	}
	return &http.Response{
		StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)),
	}
}

// script answers with one status after the other and goes on with the last one.
func script(sent *[]time.Time, statuses ...int) transport {
	var n atomic.Int32
	return func(*http.Request) (*http.Response, error) {
		*sent = append(*sent, time.Now())
		return reply(statuses[min(int(n.Add(1)), len(statuses))-1], "{}"), nil
	}
}

func to(address string) Request {
	return Request{Endpoint: "chats", Prepare: func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, address+"/?access_token="+testToken, strings.NewReader("{}"))
	}}
}

// client returns one that gives up quickly and knows the test's secrets.
func client(t *testing.T, opts Options) *Client {
	t.Helper()
	opts.Source = "acme"
	const patience = 2 * time.Minute // a busy machine delays what is to arrive
	opts.ConnectTimeout = cmp.Or(opts.ConnectTimeout, patience)
	opts.HeaderTimeout = cmp.Or(opts.HeaderTimeout, patience)
	opts.AttemptTimeout = cmp.Or(opts.AttemptTimeout, patience)
	if opts.BackoffFirst == 0 {
		opts.BackoffFirst, opts.BackoffMax = time.Millisecond, time.Millisecond
	}
	opts.Scrubber = NewScrubber(testSecret)
	opts.Scrubber.Add(testToken)
	c := NewClient(opts)
	t.Cleanup(c.Close)
	return c
}

func asError(t *testing.T, err error) *Error {
	t.Helper()
	var e *Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "acme", e.Source)
	requireNoSecret(t, err)
	return e
}

func requireNoSecret(t *testing.T, err error) {
	t.Helper()
	for ; err != nil; err = errors.Unwrap(err) {
		require.NotContains(t, err.Error(), testToken)
		require.NotContains(t, err.Error(), testSecret)
	}
}

func TestRepeatsUntilGood(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		c := client(t, Options{
			Transport:    script(&sent, 502, 503, 200),
			BackoffFirst: 4 * time.Second, BackoffMax: time.Minute,
		})
		resp, err := c.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)
		require.Equal(t, 3, resp.Calls)
		require.Equal(t, "{}", string(resp.Body))
		require.Equal(t, sent[2], resp.RequestedAt)
		require.LessOrEqual(t, sent[1].Sub(sent[0]), 4*time.Second)
		require.LessOrEqual(t, sent[2].Sub(sent[1]), 8*time.Second)
	})
}

// Requests that fail together are not repeated together: a pause is drawn from
// nothing up to a bound, which doubles.
func TestPausesAreDrawn(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const requests, first = 256, 4 * time.Second // enough for some in the last eighth of a bound, and in the first
		pauses := map[time.Duration][]time.Duration{}
		for range requests {
			var sent []time.Time
			c := client(t, Options{Transport: script(&sent, 502, 503, 200), BackoffFirst: first, BackoffMax: time.Minute})
			_, err := c.Do(t.Context(), to("http://vendor"))
			require.NoError(t, err)
			pauses[first] = append(pauses[first], sent[1].Sub(sent[0]))
			pauses[2*first] = append(pauses[2*first], sent[2].Sub(sent[1]))
		}
		for bound, drawn := range pauses {
			require.LessOrEqual(t, slices.Max(drawn), bound)
			require.Greater(t, slices.Max(drawn), bound-bound/8)
			require.Less(t, slices.Min(drawn), bound/8)
		}
	})
}

// net/http repeats a GET by itself when a connection that it had used before
// ends without an answer. Every request is ours, and counted.
func TestNobodyElseRepeats(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if r.Method != http.MethodGet || err != nil || len(body) > 0 || r.ContentLength != 0 || r.TransferEncoding != nil {
			t.Errorf("%s with %d bytes, length %d, %v", r.Method, len(body), r.ContentLength, r.TransferEncoding)
		}
		if n := seen.Add(1); n == 2 || n == 3 {
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	c := client(t, Options{})
	get := Request{Endpoint: "owners", Prepare: func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodGet, server.URL, nil)
	}}
	resp, err := c.Do(t.Context(), get)
	require.NoError(t, err)
	require.Equal(t, 1, resp.Calls)
	resp, err = c.Do(t.Context(), get)
	require.NoError(t, err)
	require.Equal(t, 3, resp.Calls)
	require.EqualValues(t, 4, seen.Load())
}

// A POST without a body says so: not every gateway takes one of unknown length.
// net/http would not repeat it either.
func TestAPostWithoutABodyHasALength(t *testing.T) {
	t.Parallel()
	var seen atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.ContentLength != 0 || r.TransferEncoding != nil {
			t.Errorf("length %d, %v", r.ContentLength, r.TransferEncoding)
		}
		if seen.Add(1) == 2 {
			panic(http.ErrAbortHandler)
		}
	}))
	defer server.Close()
	c := client(t, Options{})
	post := Request{Endpoint: "chat", Prepare: func(ctx context.Context) (*http.Request, error) {
		return http.NewRequestWithContext(ctx, http.MethodPost, server.URL, nil)
	}}
	for _, calls := range []int{1, 2} {
		resp, err := c.Do(t.Context(), post)
		require.NoError(t, err)
		require.Equal(t, calls, resp.Calls)
	}
	require.EqualValues(t, 3, seen.Load())
}

func TestTriesAreBounded(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		resp, err := client(t, Options{Transport: script(&sent, 500)}).Do(t.Context(), to("http://vendor"))
		e := asError(t, err)
		require.Equal(t, ClassTransient, e.Class)
		require.Equal(t, "http 500", e.Code)
		require.Len(t, sent, 3)
		require.Equal(t, 3, resp.Calls)
	})
}

func TestOnlyPassingErrorsAreRepeated(t *testing.T) {
	t.Parallel()
	for class := ClassUnknown; class <= ClassRefused; class++ {
		t.Run(class.String(), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent []time.Time
				req := to("http://vendor")
				req.Verdict = func(Answer) *Error { return &Error{Class: class, Code: "7"} }
				_, err := client(t, Options{Transport: script(&sent, 200)}).Do(t.Context(), req)
				require.Equal(t, class, asError(t, err).Class)
				want := 1
				if class == ClassTransient || class == ClassThrottled {
					want = 3
				}
				require.Len(t, sent, want)
			})
		})
	}
}

func TestEveryAttemptIsPreparedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var tokens []string
		n := 0
		c := client(t, Options{Transport: transport(func(r *http.Request) (*http.Response, error) {
			tokens = append(tokens, r.URL.Query().Get("t"))
			require.Equal(t, "syncd/dev", r.Header.Get("User-Agent"))
			body, _ := io.ReadAll(r.Body)
			require.Equal(t, "{}", string(body))
			return reply(500, ""), nil
		})})
		_, err := c.Do(t.Context(), Request{Endpoint: "chats", Prepare: func(ctx context.Context) (*http.Request, error) {
			n++
			return http.NewRequestWithContext(ctx, http.MethodPost, "http://vendor/?t="+strconv.Itoa(n), strings.NewReader("{}"))
		}})
		require.Error(t, err)
		require.Equal(t, []string{"1", "2", "3"}, tokens)
	})
}

func TestPrepareErrorEndsTheRequest(t *testing.T) {
	t.Parallel()
	for name, cause := range map[string]error{
		"classed": &Error{Class: ClassTransient, Endpoint: "gettoken", Code: "timeout"},
		"plain":   errors.New("parse http://vendor/?access_token=" + testToken),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var sent []time.Time
			resp, err := client(t, Options{Transport: script(&sent, 200)}).Do(t.Context(), Request{
				Endpoint: "chats", Prepare: func(context.Context) (*http.Request, error) { return nil, cause },
			})
			require.Equal(t, ClassOf(cause), asError(t, err).Class)
			require.Empty(t, sent)
			require.Zero(t, resp.Calls)
		})
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]func(time.Time) string{
		"seconds": func(time.Time) string { return "40" },
		"date":    func(now time.Time) string { return now.Add(40 * time.Second).UTC().Format(http.TimeFormat) },
	} {
		for _, status := range []int{429, 503} {
			t.Run(name+" "+strconv.Itoa(status), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					began, n := time.Now(), 0
					c := client(t, Options{Transport: transport(func(*http.Request) (*http.Response, error) {
						if n++; n == 1 {
							return reply(status, "", "Retry-After", value(began)), nil
						}
						return reply(200, "{}"), nil
					})})
					_, err := c.Do(t.Context(), to("http://vendor"))
					require.NoError(t, err)
					require.Equal(t, 40*time.Second, time.Since(began))
				})
			})
		}
	}
}

func TestRetryAfterTooLongIsHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		c := client(t, Options{Transport: transport(func(*http.Request) (*http.Response, error) {
			return reply(429, "", "Retry-After", "999999"), nil
		})})
		resp, err := c.Do(t.Context(), to("http://vendor"))
		e := asError(t, err)
		require.Equal(t, ClassThrottled, e.Class)
		require.Equal(t, time.Hour, e.RetryAfter, "capped")
		require.Equal(t, 1, resp.Calls)
		require.Equal(t, began, time.Now(), "no waiting")

		// Everybody else is told at once, without a call.
		time.Sleep(10 * time.Minute)
		resp, err = c.Do(t.Context(), to("http://vendor"))
		require.Equal(t, 50*time.Minute, asError(t, err).RetryAfter)
		require.Zero(t, resp.Calls)
	})
}

func TestWaitLongerThanTheContextIsRefused(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		c := client(t, Options{Transport: transport(func(*http.Request) (*http.Response, error) {
			return reply(429, "", "Retry-After", "30"), nil
		})})
		_, err := c.Do(ctx, to("http://vendor"))
		require.Equal(t, 30*time.Second, asError(t, err).RetryAfter)
		require.Equal(t, began, time.Now())
	})
}

func TestCanceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		cancel()
		<-r.Context().Done()
	}))
	defer server.Close()
	resp, err := client(t, Options{}).Do(ctx, to(server.URL))
	require.ErrorIs(t, err, context.Canceled)
	require.Equal(t, "canceled", asError(t, err).Code)
	require.Equal(t, 1, resp.Calls)
}

func TestDeadlinesNameThemselves(t *testing.T) {
	t.Parallel()
	stall := func(header bool) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			if header {
				w.WriteHeader(http.StatusOK)
				_ = http.NewResponseController(w).Flush()
			}
			<-r.Context().Done()
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { _ = silent.Close() })

	const short = 30 * time.Millisecond
	for name, c := range map[string]struct {
		address, message string
		opts             Options
	}{
		"connect": {"https://" + silent.Addr().String(), "deadline of 30ms for the connection", Options{ConnectTimeout: short}},
		"header":  {stall(false), "deadline of 30ms for the answer's header", Options{HeaderTimeout: short}},
		"attempt": {stall(true), "deadline of 30ms for one attempt", Options{AttemptTimeout: short}},
		"request": {stall(false), "deadline of 30ms for one request with its repeats", Options{RequestTimeout: short}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.opts.TriesMax = 1
			_, err := client(t, c.opts).Do(t.Context(), to(c.address))
			e := asError(t, err)
			require.Equal(t, ClassTransient, e.Class)
			require.Equal(t, "timeout", e.Code)
			require.Equal(t, c.message, e.Message)
			require.NoError(t, e.Err, "a deadline of ours is not the caller's")
		})
	}
}

func TestBodyCap(t *testing.T) {
	t.Parallel()
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, err := z.Write(make([]byte, 1<<20))
	require.NoError(t, err)
	require.NoError(t, z.Close())
	require.Less(t, bomb.Len(), 4096)

	for name, write := range map[string]func(w http.ResponseWriter){
		"announced": func(w http.ResponseWriter) {
			w.Header().Set("Content-Length", "1048576")
			_, _ = w.Write(make([]byte, 1<<20))
		},
		"chunked": func(w http.ResponseWriter) {
			for range 1 << 10 {
				_, _ = w.Write(make([]byte, 1<<10))
			}
		},
		"gzip bomb": func(w http.ResponseWriter) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write(bomb.Bytes())
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { write(w) }))
			defer server.Close()
			_, err := client(t, Options{BodyBytesMax: 4096}).Do(t.Context(), to(server.URL))
			e := asError(t, err)
			require.Equal(t, ClassMalformed, e.Class)
			require.Equal(t, "body", e.Code)

			resp, err := client(t, Options{BodyBytesMax: 1 << 20}).Do(t.Context(), to(server.URL))
			require.NoError(t, err, "exactly as large as allowed")
			require.Len(t, resp.Body, 1<<20)
		})
	}
}

func TestRedirectIsNotFollowed(t *testing.T) {
	t.Parallel()
	var strangers atomic.Int32
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { strangers.Add(1) }))
	defer other.Close()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL+"/login?back="+r.URL.String(), http.StatusTemporaryRedirect)
	}))
	defer server.Close()
	_, err := client(t, Options{}).Do(t.Context(), to(server.URL))
	e := asError(t, err)
	require.Equal(t, "http 307", e.Code)
	require.Equal(t, "redirect to "+strings.TrimPrefix(other.URL, "http://")+", not followed", e.Message)
	require.Zero(t, strangers.Load())
}

// silentPort is an address that is taken, and where nobody listens.
func silentPort(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Close(fd)) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
}

// TestNothingSecretInTransportErrors provokes what the standard library says
// about a request that went wrong.
func TestNothingSecretInTransportErrors(t *testing.T) {
	t.Parallel()
	untrusted := httptest.NewUnstartedServer(http.NotFoundHandler())
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	t.Cleanup(untrusted.Close)
	raw := func(answer string) string {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			conn, _, err := http.NewResponseController(w).Hijack()
			if err != nil {
				return
			}
			_, _ = io.WriteString(conn, strings.ReplaceAll(answer, "URL", r.URL.String()))
			_ = conn.Close()
		}))
		t.Cleanup(server.Close)
		return server.URL
	}
	for name, c := range map[string]struct{ address, code string }{
		"unreachable":  {"http://" + silentPort(t), "network"},
		"no such host": {"http://" + strings.Repeat("v", 64) + ".invalid", "network"}, // no resolver need be asked
		"untrusted":    {untrusted.URL, "tls"},
		"no TLS":       {strings.Replace(raw("x"), "http:", "https:", 1), "tls"},
		"not HTTP":     {raw("URL is not HTTP\r\n\r\n"), "network"},
		"bad header":   {raw("HTTP/1.1 200 OK\r\nURL\r\n\r\n"), "network"},
		"cut body":     {raw("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{\"url\":\"URL\""), "network"},
		"hung up":      {raw(""), "network"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := client(t, Options{}).Do(t.Context(), to(c.address))
			e := asError(t, err)
			require.Equal(t, ClassTransient, e.Class)
			require.Equal(t, c.code, e.Code, e.Message)
			require.NotEmpty(t, e.Message)
		})
	}
}

func TestVerdictIsScrubbed(t *testing.T) {
	t.Parallel()
	var sent []time.Time
	req := to("http://vendor")
	req.Verdict = func(Answer) *Error {
		return &Error{
			Class: ClassRefused, Code: testToken, Message: "bad " + testSecret, Remedy: "open http://x/?t=" + testToken,
			Err: errors.New(testSecret),
		}
	}
	var seen []Attempt
	opts := Options{Transport: script(&sent, 200), Hooks: Hooks{Attempted: func(a Attempt) { seen = append(seen, a) }}}
	_, err := client(t, opts).Do(t.Context(), req)
	e := asError(t, err)
	require.Equal(t, Error{
		Class: ClassRefused, Source: "acme", Endpoint: "chats", Code: "***", Message: "bad ***", Remedy: "open http://x",
	}, *e)
	require.Len(t, seen, 1)
	requireNoSecret(t, seen[0].Err)
}

func TestHooks(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var attempts []Attempt
		var waits []Wait
		var sent []time.Time
		c := client(t, Options{
			Transport: script(&sent, 429, 200), Penalties: []time.Duration{time.Minute},
			Hooks: Hooks{
				Attempted: func(a Attempt) { attempts = append(attempts, a) },
				Waiting:   func(w Wait) { waits = append(waits, w) },
			},
		})
		_, err := c.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)
		require.Len(t, attempts, 2)
		require.Equal(t, ClassThrottled, attempts[0].Err.Class)
		require.Equal(t, Attempt{Source: "acme", Endpoint: "chats", Try: 2, Status: 200, Bytes: 2}, attempts[1])
		require.Len(t, waits, 1)
		require.Equal(t, time.Minute, waits[0].For)
		require.Contains(t, waits[0].Why, "vendor throttles (http 429) until 2000-01-01T00:01:00Z")
	})
}
