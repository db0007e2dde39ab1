package web

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/leaktest"
	"syncd/internal/model"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	loopbackListen = "127.0.0.1:8686"
	openListen     = "0.0.0.0:8686"
	testToken      = "t0ken/of the test"
)

// someFacts have every kind of fact.
func someFacts() Facts {
	now := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	return Facts{
		At: now,
		Sources: []SourceFacts{
			{Source: "acme", Budgets: []BudgetFacts{
				{Period: "month", Limit: 2500, Left: 1200}, {Lane: "reads", Period: "day", Limit: 40, Left: 7},
			}},
			{Source: "broken", Paused: true, Note: "the credential is refused"},
		},
		Streams: []StreamFacts{
			{Source: "acme", Stream: "owners", Outcome: "never", Lag: -1, Late: true},
			{
				Source: "acme", Stream: "members", Outcome: "complete", Lag: time.Hour, Rows: 12, NextRunAt: now.Add(-3 * time.Second),
				Items: ItemFacts{All: 10, NeverRead: 1, Overdue: 2, Failing: 3}, Held: 100,
			},
			{
				Source: "acme", Stream: "owner_stats", Outcome: "partial", Lag: time.Minute, NextRunAt: now.Add(time.Hour), Halted: true,
				Days: &DayFacts{Held: 179, Pending: 2, AtRisk: 3, Refused: 4, Lost: 5, HeldPercent: 99.99}, Note: "<script>alert(1)</script>",
			},
			{Source: "acme", Stream: "owner_stats", Mode: "full", Outcome: "complete", Lag: time.Second, NextRunAt: now.Add(time.Hour)},
		},
		Queue: model.QueueDepth{Ready: 1, Running: 2, Waiting: 3, Due: 4, Lag: 5 * time.Second},
	}
}

func somePool() Pool {
	return Pool{Acquired: 1, Idle: 2, Constructing: 3, Max: 10, Acquires: 100, Waited: 5, Canceled: 1, Wait: time.Second}
}

// testServer is a server of facts that change with its fields.
func testServer(t *testing.T, change func(*Options)) (*Server, *Metrics) {
	t.Helper()
	m := NewMetrics("v1.2.3")
	o := Options{
		Listen: loopbackListen, Version: "v1.2.3", Pool: somePool,
		Hours: func() []HourBudget { return []HourBudget{{Source: "acme", Endpoint: "groupchat/get", Left: 59000}} },
		Facts: func(context.Context) (Facts, error) { return someFacts(), nil },
	}
	if change != nil {
		change(&o)
	}
	s, err := New(m, o)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, s.Stop(context.Background())) })
	return s, m
}

// get asks the server as if from a local client; edit may make it another one.
func get(s *Server, path string, edit func(*http.Request)) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.Host = loopbackListen
	if edit != nil {
		edit(r)
	}
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	return w
}

var paths = []string{"/", "/metrics", "/readyz", "/style.css", "/elsewhere"}

// Off loopback nothing but /healthz is told without the token.
func TestTokenOffLoopback(t *testing.T) {
	t.Parallel()
	s, _ := testServer(t, func(o *Options) { o.Listen, o.Token = openListen, testToken })
	for name, header := range map[string]string{
		"none": "", "wrong": "Bearer " + testToken + "x", "prefix": "Bearer " + testToken[:5], "no scheme": testToken,
		"other scheme": "Basic " + testToken, "empty": "Bearer ", "twice": "Bearer " + testToken + " " + testToken,
	} {
		for _, path := range paths {
			w := get(s, path, func(r *http.Request) { r.Header.Set("Authorization", header) })
			require.Equal(t, http.StatusUnauthorized, w.Code, "%s with %s", path, name)
			require.Contains(t, w.Header().Get("WWW-Authenticate"), "Bearer")
			require.NotContains(t, w.Body.String(), testToken)
		}
	}
	w := get(s, "/healthz", nil)
	require.Equal(t, http.StatusOK, w.Code)
	require.Equal(t, "ok\n", w.Body.String())
	for _, header := range []string{"Bearer " + testToken, "bearer " + testToken} {
		w := get(s, "/metrics", func(r *http.Request) { r.Header.Set("Authorization", header) })
		require.Equal(t, http.StatusOK, w.Code)
		require.NotContains(t, w.Body.String(), testToken)
	}
}

// A token that is set counts on loopback as well.
func TestTokenOnLoopback(t *testing.T) {
	t.Parallel()
	s, _ := testServer(t, func(o *Options) { o.Token = testToken })
	require.Equal(t, http.StatusUnauthorized, get(s, "/metrics", nil).Code)
	require.Equal(t, http.StatusOK, get(s, "/healthz", nil).Code)
	require.Equal(t, http.StatusOK,
		get(s, "/", func(r *http.Request) { r.Header.Set("Authorization", "Bearer "+testToken) }).Code)
}

// There is no server without a token that others can reach.
func TestNoTokenNoServer(t *testing.T) {
	t.Parallel()
	for listen, ok := range map[string]bool{
		"127.0.0.1:1": true, "localhost:1": true, "[::1]:1": true, "127.8.8.8:1": true, "[::ffff:127.0.0.1]:1": true,
		"0.0.0.0:1": false, ":1": false, "[::]:1": false, "10.0.0.1:1": false, "example.org:1": false, "localhost.evil.org:1": false,
	} {
		s, err := New(NewMetrics(""), Options{Listen: listen})
		if !ok {
			require.ErrorContains(t, err, "http.token is required", listen)
			continue
		}
		require.NoError(t, err, listen)
		require.NoError(t, s.Stop(t.Context()))
	}
}

// A name that somebody's DNS points here is not ours.
func TestHost(t *testing.T) {
	t.Parallel()
	local, _ := testServer(t, nil)
	open, _ := testServer(t, func(o *Options) { o.Listen, o.Token = "syncd.example.org:8686", testToken })
	token := "Bearer " + testToken
	for name, c := range map[string]struct {
		server      *Server
		host, token string
		path        string
		want        int
	}{
		"address":                       {local, "127.0.0.1:8686", "", "/", 200},
		"other port, forwarded":         {local, "localhost:9000", "", "/metrics", 200},
		"IPv6":                          {local, "[::1]:8686", "", "/", 200},
		"IPv6 without port":             {local, "[::1]", "", "/", 200},
		"name without port":             {local, "LocalHost", "", "/", 200},
		"rebound name":                  {local, "evil.example:8686", "", "/", 421},
		"rebound name, health":          {local, "evil.example:8686", "", "/healthz", 421},
		"like ours":                     {local, "localhost.evil.example", "", "/metrics", 421},
		"like an address":               {local, "127.0.0.1.evil.example", "", "/metrics", 421},
		"another address":               {local, "10.0.0.7:8686", "", "/", 421},
		"none":                          {local, "", "", "/", 421},
		"open: address":                 {open, "10.0.0.7:8686", token, "/", 200},
		"open: its name":                {open, "Syncd.example.org:8686", token, "/", 200},
		"open: its name, no token":      {open, "syncd.example.org:8686", "", "/", 401},
		"open: a proxy's, with token":   {open, "status.example.org", token, "/", 200},
		"open: rebound, no token":       {open, "evil.example", "", "/metrics", 421},
		"open: rebound, wrong token":    {open, "evil.example", token + "x", "/metrics", 421},
		"open: a balancer asks of life": {open, "pool-7", "", "/healthz", 200},
	} {
		w := get(c.server, c.path, func(r *http.Request) {
			r.Host = c.host
			r.Header.Set("Authorization", c.token)
		})
		require.Equal(t, c.want, w.Code, name)
	}
}

// Pages of other sites get nothing, from whichever machine they are shown on.
func TestOrigin(t *testing.T) {
	t.Parallel()
	s, _ := testServer(t, nil)
	for name, c := range map[string]struct {
		header http.Header
		want   int
	}{
		"none":           {http.Header{}, 200},
		"ours":           {http.Header{"Origin": {"http://127.0.0.1:8686"}}, 200},
		"another site":   {http.Header{"Origin": {"https://evil.example"}}, 403},
		"another port":   {http.Header{"Origin": {"http://127.0.0.1:3000"}}, 403},
		"a file":         {http.Header{"Origin": {"null"}}, 403},
		"another scheme": {http.Header{"Origin": {"ftp://127.0.0.1:8686"}}, 403},
		"empty":          {http.Header{"Origin": {""}}, 403},
		"two":            {http.Header{"Origin": {"http://127.0.0.1:8686", "https://evil.example"}}, 403},
		"an image":       {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"no-cors"}}, 403},
		"a link":         {http.Header{"Sec-Fetch-Site": {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}}, 200},
		"our own page":   {http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"no-cors"}}, 200},
	} {
		for _, path := range []string{"/", "/metrics", "/readyz", "/healthz"} {
			w := get(s, path, func(r *http.Request) { r.Header = c.header.Clone() })
			require.Equal(t, c.want, w.Code, "%s: %s", name, path)
			require.Empty(t, w.Header().Get("Access-Control-Allow-Origin"))
		}
	}
}

func TestNothingCanBeChanged(t *testing.T) {
	t.Parallel()
	s, _ := testServer(t, nil)
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions, "CONNECT", "BREW"} {
		for _, path := range append(paths, "/healthz") {
			w := get(s, path, func(r *http.Request) { r.Method = method })
			require.Equal(t, http.StatusMethodNotAllowed, w.Code, "%s %s", method, path)
		}
	}
	require.Equal(t, http.StatusOK, get(s, "/healthz", func(r *http.Request) { r.Method = http.MethodHead }).Code)
	require.Equal(t, http.StatusNotFound, get(s, "/elsewhere", nil).Code)
	require.Equal(t, http.StatusNotFound, get(s, "/debug/pprof/", nil).Code)
}

func TestReady(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var trouble error
		asked := 0
		s, _ := testServer(t, func(o *Options) {
			o.Scrub = func(text string) string { return strings.ReplaceAll(text, "hunter2", "***") }
			o.Checks = []Check{
				{Name: "database", Ask: func(context.Context) error { asked++; return trouble }},
				{Name: "engine", Ask: func(context.Context) error { return nil }},
			}
		})
		w := get(s, "/readyz", nil)
		require.Equal(t, http.StatusOK, w.Code)
		require.JSONEq(t, `{"ready": true, "checks": [{"name": "database", "ok": true}, {"name": "engine", "ok": true}]}`, w.Body.String())

		trouble = errors.New("password hunter2 is wrong")
		require.Equal(t, http.StatusOK, get(s, "/readyz", nil).Code)
		require.Equal(t, 1, asked, "the answer is kept for a second")
		time.Sleep(time.Second)
		w = get(s, "/readyz", nil)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Equal(t, "application/json", w.Header().Get("Content-Type"))
		require.JSONEq(t, `{"ready": false, "checks": [
			{"name": "database", "ok": false, "reason": "password *** is wrong"}, {"name": "engine", "ok": true}]}`, w.Body.String())
		require.Equal(t, http.StatusOK, get(s, "/healthz", nil).Code, "it lives all the same")
	})
}

// A database that hangs leaves /readyz and /metrics with an answer.
func TestHanging(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s, _ := testServer(t, func(o *Options) {
			o.Facts = func(ctx context.Context) (Facts, error) { <-ctx.Done(); return Facts{}, ctx.Err() }
			o.Checks = []Check{{Name: "database", Ask: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() }}}
		})
		began := time.Now()
		w := get(s, "/readyz", nil)
		require.Equal(t, http.StatusServiceUnavailable, w.Code)
		require.Contains(t, w.Body.String(), context.DeadlineExceeded.Error())
		w = get(s, "/metrics", nil)
		require.Equal(t, http.StatusOK, w.Code)
		require.Contains(t, w.Body.String(), "\nsyncd_facts_up 0\n")
		require.Contains(t, w.Body.String(), "\nsyncd_db_connections_max 10\n")
		require.NotContains(t, w.Body.String(), "syncd_freshness_lag_seconds")
		require.Contains(t, get(s, "/", nil).Body.String(), "takes its time")
		require.Less(t, time.Since(began), 15*time.Second)
	})
}

func TestPage(t *testing.T) {
	t.Parallel()
	s, _ := testServer(t, nil)
	w := get(s, "/", nil)
	require.Equal(t, http.StatusOK, w.Code)
	body := w.Body.String()
	for _, want := range []string{
		"acme/members", "acme/owner_stats (full)", "99.9 %", "&lt;script&gt;", "the credential is refused", "never", "in 1h0m0s", "due",
		"2500", "v1.2.3", "2 slices at work",
	} {
		require.Contains(t, body, want)
	}
	require.NotContains(t, body, "<script")
	require.NotContains(t, body, "style=")
	require.Contains(t, w.Header().Get("Content-Security-Policy"), "default-src 'none'")
	require.Equal(t, "nosniff", w.Header().Get("X-Content-Type-Options"))
	require.Equal(t, "text/css; charset=utf-8", get(s, "/style.css", nil).Header().Get("Content-Type"))

	s, _ = testServer(t, func(o *Options) {
		o.Facts = func(context.Context) (Facts, error) { return Facts{}, errors.New("no route to hunter2") }
		o.Scrub = func(text string) string { return strings.ReplaceAll(text, "hunter2", "***") }
	})
	body = get(s, "/", nil).Body.String()
	require.Contains(t, body, "no route to ***")
	require.NotContains(t, body, "hunter2")
}

// pipes is a listener of connections in memory, whose time a test can pass.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.done:
	default:
		close(p.done)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{} }

// A client that does not go on is cut off.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		sends string
		max   time.Duration
	}{
		"says nothing":         {"", headerMax},
		"half a header":        {"GET /healthz HTTP/1.1\r\nHost: local", headerMax},
		"says nothing further": {"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", idleMax},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				s, _ := testServer(t, nil)
				l := &pipes{conns: make(chan net.Conn), done: make(chan struct{})}
				served := make(chan error)
				go func() { served <- s.Serve(l) }()
				client, server := net.Pipe()
				began := time.Now()
				l.conns <- server
				if c.sends != "" {
					_, err := io.WriteString(client, c.sends)
					require.NoError(t, err)
				}
				_, err := io.Copy(io.Discard, client) // until it is closed
				require.NoError(t, err)
				require.Equal(t, c.max, time.Since(began))
				require.NoError(t, s.Stop(t.Context()))
				require.NoError(t, <-served)
			})
		})
	}
}

// Stop lets a request end that is being answered.
func TestStop(t *testing.T) {
	t.Parallel()
	begun, goOn := make(chan struct{}), make(chan struct{})
	s, _ := testServer(t, func(o *Options) {
		o.Facts = func(context.Context) (Facts, error) {
			close(begun)
			<-goOn
			return someFacts(), nil
		}
	})
	l, err := Listen(t.Context(), "127.0.0.1:0")
	require.NoError(t, err)
	_, err = Listen(t.Context(), l.Addr().String())
	require.ErrorContains(t, err, "is in use")
	require.ErrorContains(t, err, l.Addr().String())

	served, got := make(chan error, 1), make(chan string, 1)
	go func() { served <- s.Serve(l) }()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	go func() {
		resp, err := client.Get("http://" + l.Addr().String() + "/")
		if err != nil {
			got <- err.Error()
			return
		}
		defer resp.Body.Close()
		body, _ := io.ReadAll(resp.Body)
		got <- string(body)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- s.Stop(context.Background()) }()
	require.NoError(t, <-served)
	close(goOn)
	require.Contains(t, <-got, "acme/members")
	require.NoError(t, <-stopped)
}
