package wecom

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/token"
)

func TestOneRefreshForEverybody(t *testing.T) {
	t.Parallel()
	for _, code := range []int{40001, 40014, 41001, 42001} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			const workers = 100
			var refused atomic.Int32
			v := &vendor{}
			v.answer = func(_ int32, token string, _ *http.Request) string {
				if token == "tok-0001" {
					refused.Add(1)
					return failure(code)
				}
				return owners
			}
			c := serve(t, v, func(o *Options) { o.Fetch.Limits.Concurrency = workers })
			parallel(workers, func() {
				page, err := c.Page(t.Context(), ownersChain(c), "")
				require.NoError(t, err)
				require.LessOrEqual(t, page.Calls, 2)
			})
			require.EqualValues(t, 2, v.tokenCalls.Load(), "the first token and one refresh")
			require.Positive(t, refused.Load())
		})
	}
}

func TestTokenIsRefreshedBeforeItEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		life  int
		until time.Duration
	}{
		"a long life": {7200, 7000 * time.Second},
		"a short one": {60, 54 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{expiresIn: tc.life}
				c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
				require.NoError(t, c.Check(t.Context()))
				time.Sleep(tc.until - time.Second)
				require.NoError(t, c.Check(t.Context()))
				require.EqualValues(t, 1, v.tokenCalls.Load())
				time.Sleep(time.Second)
				require.NoError(t, c.Check(t.Context()))
				require.EqualValues(t, 2, v.tokenCalls.Load())
			})
		})
	}
}

func TestAFailedEarlyRefreshKeepsTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{token: func(n int32) string {
			if n > 1 {
				return failure(-1)
			}
			return ""
		}}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		require.NoError(t, c.Check(t.Context()))
		time.Sleep(7000 * time.Second)
		require.NoError(t, c.Check(t.Context()))
		require.NoError(t, c.Check(t.Context()))
		require.EqualValues(t, 1+3, v.tokenCalls.Load(), "one refresh, repeated; then a rest")
		time.Sleep(200 * time.Second)
		require.Equal(t, fetch.ClassTransient, fetch.ClassOf(c.Check(t.Context())), "now it has ended")
	})
}

func TestANewTokenRefusedStopsTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(int32, string, *http.Request) string { return failure(40014) }}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		page, err := c.Page(t.Context(), ownersChain(c), "")
		e := asError(t, err)
		require.Equal(t, fetch.ClassAuth, e.Class)
		require.Equal(t, "40014", e.Code)
		require.Contains(t, e.Message, "a new token was refused as well")
		require.Equal(t, 2, page.Calls)
		require.EqualValues(t, 2, v.calls.Load())
		require.EqualValues(t, 2, v.tokenCalls.Load())

		parallel(50, func() {
			_, err := c.Page(t.Context(), ownersChain(c), "")
			require.Equal(t, fetch.ClassAuth, asError(t, err).Class)
		})
		require.EqualValues(t, 2, v.calls.Load(), "nobody asks again")
		require.EqualValues(t, 2, v.tokenCalls.Load())

		time.Sleep(token.RefusalRest)
		_, err = c.Page(t.Context(), ownersChain(c), "")
		require.Equal(t, fetch.ClassAuth, asError(t, err).Class)
		require.EqualValues(t, 4, v.calls.Load())
	})
}

func TestAWrongSecretIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for code, rest := range map[int]time.Duration{
		40001: token.CredentialRest, 40013: token.CredentialRest, 40091: token.CredentialRest, 45031: token.CredentialRest, 60020: token.RefusalRest,
	} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{
					token:  func(int32) string { return failure(code) },
					answer: func(int32, string, *http.Request) string { return owners },
				}
				c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
				parallel(100, func() {
					page, err := c.Page(t.Context(), ownersChain(c), "")
					e := asError(t, err)
					require.Equal(t, fetch.ClassAuth, e.Class)
					require.Equal(t, "gettoken", e.Endpoint)
					require.Equal(t, strconv.Itoa(code), e.Code)
					require.NotEmpty(t, e.Remedy)
					require.Zero(t, page.Calls)
				})
				require.EqualValues(t, 1, v.tokenCalls.Load())
				time.Sleep(rest - time.Second)
				require.ErrorContains(t, c.Check(t.Context()), "not asked again before 2000-01-01T00:")
				require.EqualValues(t, 1, v.tokenCalls.Load())
				time.Sleep(time.Second)
				require.Error(t, c.Check(t.Context()))
				require.EqualValues(t, 2, v.tokenCalls.Load())
			})
		})
	}
}

func TestAFailureAnswersThoseWhoWaited(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{token: func(int32) string {
			time.Sleep(time.Second)
			return failure(-1)
		}}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		parallel(100, func() { require.Equal(t, fetch.ClassTransient, fetch.ClassOf(c.Check(t.Context()))) })
		require.EqualValues(t, 3, v.tokenCalls.Load(), "one request with its repeats")
		require.Error(t, c.Check(t.Context()))
		require.EqualValues(t, 6, v.tokenCalls.Load(), "a passing fault is not remembered")
	})
}

// TestCancelingTheAskerHandsOver: the one who asks for the token goes away, the
// others still get it.
func TestCancelingTheAskerHandsOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = slow{v} })
		ctx, cancel := context.WithCancel(t.Context())
		asked := make(chan error, 1)
		go func() { asked <- c.Check(ctx) }()
		synctest.Wait()
		waited := make(chan error, 1)
		go func() { waited <- c.Check(t.Context()) }()
		synctest.Wait()
		cancel()
		require.ErrorIs(t, <-asked, context.Canceled)
		require.NoError(t, <-waited)
		require.EqualValues(t, 1, v.tokenCalls.Load())
	})
}

func TestWaitingForATokenEndsWithTheContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = slow{&vendor{}} })
		asked := make(chan error, 1)
		go func() { asked <- c.Check(t.Context()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
		defer cancel()
		_, err := c.Page(ctx, ownersChain(c), "")
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.NoError(t, <-asked)
	})
}

// slow takes a second for an answer, or as long as the context.
type slow struct{ *vendor }

func (s slow) RoundTrip(r *http.Request) (*http.Response, error) {
	select {
	case <-time.After(time.Second):
		return s.vendor.RoundTrip(r)
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

func TestTokenAnswersThatCannotBeUsed(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer string
		want   fetch.Class
	}{
		"no token":      {`{"errcode":0,"expires_in":7200}`, fetch.ClassMalformed},
		"token no text": {`{"errcode":0,"access_token":{}}`, fetch.ClassMalformed},
		"no errcode":    {`{"access_token":"tok-0001"}`, fetch.ClassTransient},
		"HTML":          {`<html>`, fetch.ClassTransient},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{token: func(int32) string { return tc.answer }}
			e := asError(t, serve(t, v).Check(t.Context()))
			require.Equal(t, tc.want, e.Class)
			require.Equal(t, "gettoken", e.Endpoint)
		})
	}
}

// TestNothingSecretWhenGettokenFails: its URL holds the secret itself.
func TestNothingSecretWhenGettokenFails(t *testing.T) {
	t.Parallel()
	raw := func(w http.ResponseWriter, text string) {
		if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
			_, _ = io.WriteString(conn, text)
			_ = conn.Close()
		}
	}
	for name, answer := range map[string]http.HandlerFunc{
		"errmsg":   func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, `{"errcode":40001,"errmsg":%q}`, r.URL) },
		"unquoted": func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintf(w, `{"errcode":-1,"errmsg":%q}`, testSecret) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "//x"+r.URL.String(), http.StatusFound)
		},
		"not HTTP": func(w http.ResponseWriter, r *http.Request) { raw(w, r.URL.String()+"\r\n\r\n") },
		"header":   func(w http.ResponseWriter, r *http.Request) { raw(w, "HTTP/1.1 200 OK\r\n"+r.URL.RawQuery+"\r\n\r\n") },
		"garbage":  func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.URL) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(answer)
			defer server.Close()
			c := testClient(t, server.URL)
			_, err := c.Page(t.Context(), ownersChain(c), "")
			for e := error(asError(t, err)); e != nil; e = errors.Unwrap(e) {
				require.NotContains(t, e.Error(), testSecret)
				require.NotContains(t, e.Error(), url.QueryEscape(testSecret))
			}
		})
	}
}
