package vendorsim

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// onPort puts a simulator on a real port.
func onPort(t *testing.T, s *Sim) (base string) {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func fetch(t *testing.T, url string) (int, []byte, error) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer func() { require.NoError(t, response.Body.Close()) }()
	body, err := io.ReadAll(response.Body)
	return response.StatusCode, body, err
}

func TestConcurrencyLimit(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{Concurrency: 2}})
	arrived, open := make(chan uint64), make(chan struct{})
	c.sim.SetScript(Script{OnRequest: func(_ context.Context, r Request) Verdict {
		if strings.Contains(string(r.Body), "hold") {
			arrived <- r.Seq
			<-open
		}
		return Verdict{}
	}})
	done := make(chan int, 2)
	for range 2 {
		go func() { done <- c.get(`{"chat_id":"hold"}`).Errcode }()
		<-arrived
	}
	checkRefused(t, c.get(`{"chat_id":"x"}`), codeTooManyAtOnce)
	require.Equal(t, 0, c.follow().Errcode, "another endpoint is not crowded")
	close(open)
	require.Equal(t, []int{codeNoChat, codeNoChat}, []int{<-done, <-done})
	checkRefused(t, c.get(`{"chat_id":"x"}`), codeNoChat)
	require.Equal(t, 3, c.sim.Calls()[EndpointChatGet].InFlightMost)
}

func TestScriptAnswersInPlace(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{PerMinute: 1}})
	c.sim.SetScript(Script{OnRequest: func(_ context.Context, r Request) Verdict {
		if r.Endpoint != EndpointFollowUsers {
			return Verdict{}
		}
		return Verdict{Answer: &Answer{Status: http.StatusBadGateway, Header: http.Header{"Content-Type": {"text/html"}}, Body: []byte("<html>")}}
	}})
	for range 3 {
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path(EndpointFollowUsers), nil))
		require.Equal(t, http.StatusBadGateway, w.Code)
		require.Equal(t, "<html>", w.Body.String())
		require.Equal(t, "text/html", w.Header().Get("Content-Type"))
	}
	c.sim.SetScript(Script{})
	require.Equal(t, 0, c.follow().Errcode, "no budget was used")
	require.Equal(t, 3, c.sim.Calls()[EndpointFollowUsers].Scripted)
}

func TestScriptEditsAndSeesResponses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	var seen []Response
	c.sim.SetScript(Script{
		OnRequest: func(context.Context, Request) Verdict {
			return Verdict{Edit: func(a *Answer) { a.Body = []byte(strings.Replace(string(a.Body), `"errcode":0`, `"errcode":-1`, 1)) }}
		},
		OnResponse: func(r Response) { seen = append(seen, r) },
	})
	require.Equal(t, -1, c.list(`{"limit":1}`).Errcode)
	require.Len(t, seen, 1)
	require.Equal(t, `{"limit":1}`, string(seen[0].Request.Body))
	require.Equal(t, codeOK, seen[0].Code)
	require.Contains(t, string(seen[0].Answer.Body), `"errcode":-1`)
}

func TestScriptCuts(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	base := onPort(t, c.sim)
	c.sim.SetScript(Script{OnRequest: func(context.Context, Request) Verdict { return Verdict{Cut: true, CutAfter: 10} }})
	_, body, err := fetch(t, base+c.path(EndpointFollowUsers))
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Equal(t, `{"errcode"`, string(body))
}

// OnResponse comes when the client can have the whole answer: it has it here
// while OnResponse still blocks.
func TestResponseIsOutBeforeTheScriptHears(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	read := make(chan struct{})
	c.sim.SetScript(Script{OnResponse: func(Response) { <-read }})
	_, body, err := fetch(t, onPort(t, c.sim)+c.path(EndpointFollowUsers))
	close(read)
	require.NoError(t, err)
	require.True(t, json.Valid(body))
}

func TestClientGoesAwayDuringDelay(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.sim.opt.Latency = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	c.sim.SetScript(Script{OnRequest: func(context.Context, Request) Verdict { cancel(); return Verdict{} }})
	request := httptest.NewRequest(http.MethodGet, c.path(EndpointFollowUsers), nil).WithContext(ctx)
	c.sim.ServeHTTP(httptest.NewRecorder(), request)
	require.Empty(t, c.sim.Calls()[EndpointFollowUsers].Codes)
	require.Equal(t, 1, c.sim.Calls()[EndpointFollowUsers].Calls)
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	s := newSim(t, Options{})
	server, err := s.Start(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	status, _, err := fetch(t, server.URL()+"/_sim/clock")
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	_, err = s.Start(ctx, server.Addr)
	require.ErrorContains(t, err, "simulator: listen")
	cancel()
	require.NoError(t, server.Wait())
}

func TestControl(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 9, Chats: 50})
	control := func(method, path, body string, status int) string {
		t.Helper()
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, httptest.NewRequest(method, "/_sim/"+path, strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		return w.Body.String()
	}
	require.JSONEq(t, `{"now":"2026-11-01T09:00:00+08:00"}`, control("GET", "clock", "", 200))
	require.JSONEq(t, `{"now":"2026-11-02T09:00:00+08:00"}`, control("POST", "clock", `{"advance":"24h"}`, 200))
	require.JSONEq(t, `{"now":"2026-11-03T09:00:00+08:00"}`, control("POST", "clock", `{"now":"2026-11-03T01:00:00Z"}`, 200))
	control("POST", "clock", `{"now":"2026-11-02T01:00:00Z"}`, 409)
	control("POST", "clock", `{"advance":"-1s"}`, 409)
	control("POST", "clock", `{"advance":"a day"}`, 400)
	control("POST", "clock", `{}`, 400)
	control("POST", "clock", `{"advance":"1h","now":"2026-11-09T01:00:00Z"}`, 400)
	control("POST", "clock", `{"advanced":"1h"}`, 400)

	checkRefused(t, c.follow(), codeTokenExpired)
	c.login()
	control("POST", "tokens/expire", `{"as":"invalid"}`, 204)
	checkRefused(t, c.follow(), codeBadToken)
	c.login()
	control("POST", "tokens/expire", ``, 204)
	checkRefused(t, c.follow(), codeTokenExpired)
	control("POST", "tokens/expire", `{"as":"gone"}`, 400)

	var calls map[string]Calls
	require.NoError(t, json.Unmarshal([]byte(control("GET", "calls", "", 200)), &calls))
	require.Equal(t, Calls{
		Calls: 3, Codes: map[int]int{codeTokenExpired: 2, codeBadToken: 1}, InFlightMost: 1,
	}, calls[EndpointFollowUsers])
	control("DELETE", "calls", "", 200)
	require.Equal(t, Calls{Codes: map[int]int{}}, c.sim.Calls()[EndpointFollowUsers])

	var tenant struct {
		Now  time.Time
		Seed uint64
		Totals
	}
	require.NoError(t, json.Unmarshal([]byte(control("GET", "tenant", "", 200)), &tenant))
	require.Equal(t, c.sim.Totals(c.sim.Now()), tenant.Totals)
	require.Equal(t, uint64(9), tenant.Seed)
	control("GET", "nothing", "", 404)
}
