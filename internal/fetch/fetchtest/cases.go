package fetchtest

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"syncd/internal/fetch"
	"syncd/internal/leaktest"
)

func (s suite) repeats(t *testing.T) {
	t.Parallel()
	for name, fault := range s.faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.pageOf(t, name, fault, s.good)
			require.NoError(t, got.err)
			require.Equal(t, 2, got.calls)
			require.Equal(t, 2, got.page.Calls)
			require.Positive(t, got.page.Rows())
			require.False(t, got.page.RequestedAt.IsZero())
			require.False(t, got.page.ReceivedAt.Before(got.page.RequestedAt))
		})
	}
}

func (s suite) ends(t *testing.T) {
	t.Parallel()
	for name, fault := range s.faults() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.pageOf(t, name, fault)
			require.Equal(t, fetch.ClassTransient, fetch.ClassOf(got.err), "%v", got.err)
			require.Equal(t, 3, got.page.Calls, "calls are counted beside an error too")
			require.Equal(t, 3, got.calls)
			if name == tooSlow {
				require.ErrorContains(t, got.err, "deadline of 20s for one attempt")
			}
		})
	}
	t.Run("a huge body", func(t *testing.T) {
		t.Parallel()
		got := s.page(t, huge)
		require.Equal(t, fetch.ClassMalformed, fetch.ClassOf(got.err), "%v", got.err)
		require.Equal(t, 1, got.calls, "the same again would be as large")
	})
}

func (s suite) statuses(t *testing.T) {
	t.Parallel()
	for status, class := range map[int]fetch.Class{
		http.StatusBadRequest:      fetch.ClassRefused,
		http.StatusUnauthorized:    fetch.ClassAuth,
		http.StatusForbidden:       fetch.ClassAuth,
		http.StatusTooManyRequests: fetch.ClassThrottled,
	} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			wait := func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Retry-After", "600") // or a penalty would be waited out
				echo(status, "text/plain")(w, r)
			}
			got := s.page(t, wait)
			require.Equal(t, class, fetch.ClassOf(got.err), "%v", got.err)
			require.Equal(t, 1, got.calls)
		})
	}
}

func (s suite) retryAfter(t *testing.T) {
	t.Parallel()
	for name, value := range map[string]string{
		"seconds": "600", "date": time.Now().Add(10 * time.Minute).UTC().Format(http.TimeFormat),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := s.page(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", value)
				w.WriteHeader(http.StatusTooManyRequests)
			})
			require.Equal(t, 1, got.calls, "longer than anyone waits")
			var bad *fetch.Error
			require.ErrorAs(t, got.err, &bad)
			require.Equal(t, fetch.ClassThrottled, bad.Class)
			require.Greater(t, bad.RetryAfter, time.Minute)
			require.LessOrEqual(t, bad.RetryAfter, 10*time.Minute)
		})
	}
}

func (s suite) redirect(t *testing.T) {
	t.Parallel()
	for _, status := range []int{301, 302, 303, 307, 308} {
		t.Run(http.StatusText(status), func(t *testing.T) {
			t.Parallel()
			var strangers atomic.Int32
			other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				strangers.Add(1)
				s.good(w, r)
			}))
			defer other.Close()
			got := s.page(t, func(w http.ResponseWriter, r *http.Request) {
				http.Redirect(w, r, other.URL+r.URL.String(), status)
			})
			require.ErrorContains(t, got.err, "redirect to "+strings.TrimPrefix(other.URL, "http://")+", not followed")
			require.Zero(t, strangers.Load())
		})
	}
}

func (s suite) canceled(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	got := s.pageWith(ctx, t, func(w http.ResponseWriter, r *http.Request) {
		cancel()
		slow(w, r)
	})
	require.ErrorIs(t, got.err, context.Canceled)
	require.Equal(t, 1, got.calls)
}

func (s suite) unreachable(t *testing.T) {
	t.Parallel()
	// Nobody listens there. A port that was freed for this may be another server's by now.
	got := s.ask(t.Context(), t, "http://127.0.0.1:1", new(atomic.Int32))
	require.Equal(t, fetch.ClassTransient, fetch.ClassOf(got.err), "%v", got.err)
}

// leaks runs alone: what other tests have under way would count as left over.
func (s suite) leaks(t *testing.T) {
	before := goleak.IgnoreCurrent()
	for name, fault := range s.faults() {
		if s.timeout = 0; name == tooSlow {
			s.timeout = hastyTimeout
		}
		_ = s.page(t, fault, s.good)
	}
	require.NoError(t, leaktest.Find(before))
}
