package serve_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/leaktest"
	"syncd/internal/vendorsim/serve"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestClock(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 11, 1, 9, 0, 0, 0, time.UTC)
	now := time.Unix(1000, 0)
	c := serve.NewClock(start, func() time.Time { return now })
	now = now.Add(7 * time.Second)
	at, service := c.Read()
	require.Equal(t, start, at, "it stands still")
	require.Equal(t, now, service)
	_, err := c.Advance(90*time.Minute + 999*time.Millisecond)
	require.NoError(t, err)
	at, service = c.Read()
	require.Equal(t, start.Add(90*time.Minute), at)
	require.Equal(t, now.Add(90*time.Minute), service)
	_, err = c.Advance(-time.Nanosecond)
	require.Error(t, err)
	require.Equal(t, start.Add(90*time.Minute), c.Now())
}

// A call that blocks in its script is in flight; the counters tell how many were.
func TestMostInFlight(t *testing.T) {
	t.Parallel()
	front := serve.NewFront(-1, "a", "b")
	arrived, open := make(chan int), make(chan struct{})
	front.SetScript(serve.Script[int]{OnRequest: func(context.Context, serve.Request) serve.Verdict {
		<-open
		return serve.Verdict{}
	}})
	call := func(endpoint string) {
		front.Handle(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil), endpoint, func(_ serve.Request, n int) serve.Turn[int] {
			arrived <- n
			return serve.Turn[int]{Answer: func() (serve.Answer, int) { return serve.Answer{}, 0 }}
		})
	}
	done := make(chan struct{})
	for n := range 3 {
		go func() { call("a"); done <- struct{}{} }()
		require.Equal(t, n+1, <-arrived)
	}
	go func() { call("b"); done <- struct{}{} }()
	require.Equal(t, 1, <-arrived)
	close(open)
	for range 4 {
		<-done
	}
	go func() { call("a"); done <- struct{}{} }()
	require.Equal(t, 1, <-arrived)
	<-done
	require.Equal(t, serve.Calls[int]{Calls: 4, Codes: map[int]int{0: 4}, InFlightMost: 3}, front.Calls()["a"])
	front.ResetCalls()
	require.Equal(t, serve.Calls[int]{Codes: map[int]int{}}, front.Calls()["a"])
	require.False(t, front.Has("c"))
}

func TestRequestsTooLongAreRefused(t *testing.T) {
	t.Parallel()
	front := serve.NewFront("", "a")
	w := httptest.NewRecorder()
	front.Handle(w, httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", 2<<20))), "a",
		func(serve.Request, int) serve.Turn[string] { panic("it began") })
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Zero(t, front.Calls()["a"].Calls)
}

func TestEditsFollowEachOther(t *testing.T) {
	t.Parallel()
	var v serve.Verdict
	for _, letter := range []byte("abc") {
		v.AddEdit(func(a *serve.Answer) { a.Body = append(a.Body, letter) })
	}
	v.Give(serve.Answer{Body: []byte("1")})
	v.Give(serve.Answer{Body: []byte("2")})
	v.Edit(v.Answer)
	require.Equal(t, "1abc", string(v.Answer.Body))
}
