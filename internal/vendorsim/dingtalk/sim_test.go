package dingtalk

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestOptionsOutOfRangeAreAllTold(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Chats: -1, Owners: 1, MeanMembers: 600, BatchMax: -1, Dissolved: 9, ReadyAfter: 48 * time.Hour})
	for _, want := range []string{"chats", "owners", "mean members", "batch max", "dissolved", "ready after"} {
		require.ErrorContains(t, err, want)
	}
}

func TestAppToken(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	first := c.token
	c.advance(time.Hour)
	c.login()
	require.Equal(t, first, c.token, "the same within its life")
	c.advance(90 * time.Minute)
	require.Equal(t, http.StatusOK, c.chats().Status, "asking again has extended it")
	c.advance(30 * time.Minute)
	checkRefused(t, c.chats(), 400, codeAuthentication)
	c.login()
	require.NotEqual(t, first, c.token)
	require.Equal(t, http.StatusOK, c.chats().Status)
	c.sim.ExpireTokens()
	checkRefused(t, c.chats(), 400, codeAuthentication)
	c.token = ""
	checkRefused(t, c.chats(), 400, codeNoToken)
	for body, code := range map[string]string{
		`{"appKey":"x","appSecret":"` + DefaultAppSecret + `"}`:            codeWrongSecret,
		`{"appKey":"` + DefaultAppKey + `","appSecret":"x"}`:               codeWrongSecret,
		`{"appKey":"` + DefaultAppKey + `"}`:                               codeParameter,
		`{"appkey":"x","appsecret":"y"}`:                                   codeParameter,
		`appKey=x`:                                                         codeParameter,
		`{"appKey":"x","appSecret":"x","grant_type":"client_credentials"}`: codeParameter,
	} {
		checkRefused(t, c.do(EndpointToken, nil, body), 400, code)
	}
	require.Equal(t, 7200, c.do(EndpointToken, nil, `{"appKey":"`+DefaultAppKey+`","appSecret":"`+DefaultAppSecret+`"}`).ExpireIn)
}

func TestTheTokenGoesInItsHeaderOnly(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	r := httptest.NewRequest(http.MethodGet, "/v1.0/crm/crmGroupChats?relationType=crm_customer&maxResults=1&access_token="+c.token, nil)
	r.Header.Set("Authorization", "Bearer "+c.token)
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	require.Equal(t, http.StatusBadRequest, w.Code)
	require.Contains(t, w.Body.String(), codeNoToken)
}

func TestCorpToken(t *testing.T) {
	t.Parallel()
	ask := func(c *client, key, secret, corp, ticket string) answer {
		body, err := json.Marshal(map[string]string{"suiteKey": key, "suiteSecret": secret, "authCorpId": corp, "suiteTicket": ticket})
		require.NoError(t, err)
		return c.do(EndpointCorpToken, nil, string(body))
	}
	for _, one := range []bool{false, true} {
		c := newClient(t, Options{OneCorpToken: one})
		first := ask(c, DefaultSuiteKey, DefaultSuiteSecret, DefaultCorpID, "any").Token
		second := ask(c, DefaultSuiteKey, DefaultSuiteSecret, DefaultCorpID, "any").Token
		require.NotEqual(t, first, second)
		c.token = second
		require.Equal(t, 200, c.chats().Status)
		c.token = first
		if one {
			checkRefused(t, c.chats(), 400, codeAuthentication)
		} else {
			require.Equal(t, 200, c.chats().Status)
		}
	}
	c := newClient(t, Options{SuiteTicket: "tick"})
	checkRefused(t, ask(c, "x", DefaultSuiteSecret, DefaultCorpID, "tick"), 400, codeWrongSuite)
	checkRefused(t, ask(c, DefaultSuiteKey, DefaultSuiteSecret, "x", "tick"), 400, codeParameter)
	checkRefused(t, ask(c, DefaultSuiteKey, DefaultSuiteSecret, DefaultCorpID, "tock"), 400, codeParameter)
	checkRefused(t, ask(c, DefaultSuiteKey, DefaultSuiteSecret, DefaultCorpID, ""), 400, codeParameter)
	require.Equal(t, 200, ask(c, DefaultSuiteKey, DefaultSuiteSecret, DefaultCorpID, "tick").Status)
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for _, endpoint := range []string{"POST /v1.0/crm/crmGroupChats", "GET /v1.0/crm/crmGroupChats/query", "GET /v1.0/x"} {
		w := c.recorded(endpoint, nil, "")
		require.Equal(t, http.StatusNotFound, w.Code)
		require.Contains(t, w.Body.String(), codeNoAPI)
	}
}

func TestLimitOfASecond(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := newClient(t, Options{Now: func() time.Time { return now }})
	for n := range 20 {
		now = now.Add(20 * time.Millisecond) // a second that is cut by no clock's second
		require.Equal(t, 200, c.chats().Status, n)
	}
	checkRefused(t, c.chats(), 403, codeQPS)
	require.Equal(t, 200, c.do(EndpointSets, values("relationType", RelationCustomer), "").Status, "another endpoint")
	now = now.Add(619 * time.Millisecond)
	checkRefused(t, c.chats(), 403, codeQPS)
	now = now.Add(time.Millisecond)
	require.Equal(t, 200, c.chats().Status, "a second after the first")
	checkRefused(t, c.chats(), 403, codeQPS)
	require.Equal(t, 22, c.sim.MonthlyCalls(), "what is refused by the second costs nothing")
	require.Equal(t, map[string]int{CodeOK: 21, codeQPS: 3}, c.sim.Calls()[EndpointChats].Codes)
}

func TestLimitOfTheMonth(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 10, 31, 23, 59, 50, 0, chinaTime)
	c := newClient(t, Options{Limits: Limits{PerMonth: 10}, Start: start})
	for range 7 {
		require.Equal(t, 200, c.chats().Status)
	}
	checkRefused(t, c.chats("maxResults", "101"), 400, codeParameter)
	c.sim.SpendMonth(2)
	checkRefused(t, c.chats(), 403, codeMonth)
	checkRefused(t, c.do(EndpointSets, values("relationType", RelationCustomer), ""), 403, codeMonth)
	c.login() // tokens are free
	require.Equal(t, 10, c.sim.MonthlyCalls())
	c.advance(9 * time.Second)
	checkRefused(t, c.chats(), 403, codeMonth)
	c.advance(time.Second) // in UTC it is still October
	require.Zero(t, c.sim.MonthlyCalls())
	require.Equal(t, 200, c.chats().Status)
	require.Equal(t, 1, c.sim.MonthlyCalls())
}

func TestLimitOfAnAddress(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{PerAddress: 5, PerSecond: -1, PerMonth: -1}})
	for range 4 {
		require.Equal(t, 200, c.chats().Status)
	}
	w := c.recorded(EndpointToken, nil, "{}")
	require.Equal(t, http.StatusForbidden, w.Code)
	require.Contains(t, w.Header().Get("Content-Type"), "text/html")
	require.False(t, json.Valid(w.Body.Bytes()))
	c.now = c.now.Add(banSpan - 200*time.Millisecond)
	require.Equal(t, http.StatusForbidden, c.recorded(EndpointSets, nil, "").Code)
	require.Equal(t, 200, c.chats().Status)
	require.Equal(t, 1, c.sim.Calls()[EndpointSets].Codes[codeBanned])
}

func TestNoLimits(t *testing.T) {
	t.Parallel()
	now := time.Now()
	c := newClient(t, Options{Limits: Limits{-1, -1, -1}, Chats: 3, Now: func() time.Time { return now }})
	for range 200 {
		require.Equal(t, 200, c.chats().Status)
	}
}

// Two simulators with the same options and clock answer with the same bytes,
// however they came to that clock.
func TestSameOptionsSameBytes(t *testing.T) {
	t.Parallel()
	all := func(steps ...time.Duration) []string {
		c := newClient(t, Options{Seed: 4, Odd: true})
		for _, step := range steps {
			c.advance(step)
			_ = slices.Collect(c.sim.Chats(c.sim.Now())) // looking changes nothing
		}
		c.login()
		var bodies []string
		v := values("relationType", RelationCustomer, "maxResults", "100")
		bodies = append(bodies, c.recorded(EndpointChats, v, "").Body.String())
		bodies = append(bodies, c.recorded(EndpointSets, values("relationType", RelationPersonal), "").Body.String())
		for _, m := range c.sim.Messages(c.sim.Now()) {
			state, ok := c.sim.Message(m.Key, c.sim.Now())
			require.True(t, ok)
			bodies = append(bodies, m.Key+m.ChatID+m.RobotCode+state.Status+strings.Join(state.Readers, ","))
		}
		return bodies
	}
	want := all(40*24*time.Hour + 77*time.Second)
	require.Equal(t, want, all(24*time.Hour, 77*time.Second, 39*24*time.Hour))
	require.NotEqual(t, want, all(40*24*time.Hour))
}

func TestScriptAndServer(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	var seen []Response
	c := newClient(t, Options{Script: Script{OnResponse: func(r Response) { seen = append(seen, r) }}})
	c.chats("maxResults", "0")
	require.Len(t, seen, 2)
	require.Equal(t, []string{CodeOK, codeParameter}, []string{seen[0].Code, seen[1].Code})
	require.Equal(t, "0", seen[1].Request.URL.Query().Get("maxResults"))
	c.sim.SetScript(Script{OnRequest: func(context.Context, Request) Verdict {
		return Verdict{Answer: &Answer{Status: 418, Body: []byte("{}")}}
	}})
	server, err := c.sim.Start(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL()+"/v1.0/crm/groupSets", nil)
	require.NoError(t, err)
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(request)
	require.NoError(t, err)
	_, err = io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	require.Equal(t, 418, response.StatusCode)
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
	require.JSONEq(t, `{"now":"2026-11-01T10:00:00+08:00"}`, control("POST", "clock", `{"advance":"1h"}`, 200))
	control("POST", "clock", `{"advance":"-1h"}`, 409)
	require.JSONEq(t, `{"calls":30}`, control("POST", "month", `{"spend":30}`, 200))
	control("POST", "month", `{"spend":-1}`, 400)
	var tenant struct {
		Chats        map[string]int
		Sets         int
		Messages     int
		MonthlyCalls int `json:"monthly_calls"`
	}
	require.NoError(t, json.Unmarshal([]byte(control("GET", "tenant", "", 200)), &tenant))
	require.Equal(t, len(c.truth(RelationCustomer)), tenant.Chats[RelationCustomer])
	require.Equal(t, len(c.truth(RelationPersonal)), tenant.Chats[RelationPersonal])
	require.Equal(t, 30, tenant.MonthlyCalls)
	var messages []map[string]any
	require.NoError(t, json.Unmarshal([]byte(control("GET", "messages", "", 200)), &messages))
	require.Len(t, messages, tenant.Messages)
	require.Equal(t, c.sim.Messages(c.sim.Now())[0].Key, messages[0]["process_query_key"])
	control("POST", "tokens/expire", "", 204)
	checkRefused(t, c.chats(), 400, codeAuthentication)
	require.Contains(t, control("GET", "calls", "", 200), `"InvalidAuthentication": 1`)
	control("DELETE", "calls", "", 200)
	require.Zero(t, c.sim.Calls()[EndpointChats].Calls)
	control("POST", "faults", `{"fault":"system-error:on=sets"}`, 200)
	require.Contains(t, control("GET", "faults", "", 200), `"cursor-dead"`)
	control("DELETE", "faults", "", 200)
	require.Empty(t, c.sim.Armed())
}

// Whatever is asked, the answer is one of the vendor's: JSON with a code that is
// documented, or rows.
func FuzzList(f *testing.F) {
	f.Add("relationType=crm_customer&maxResults=10", "")
	f.Add("relationType=crm_customer&maxResults=10&queryDsl=%7B%7D&nextToken=AAAA", "{}")
	c := newClient(f, Options{Chats: 20, Limits: Limits{-1, -1, -1}})
	f.Fuzz(func(t *testing.T, query, body string) {
		for endpoint := range c.sim.answers {
			method, path, _ := strings.Cut(endpoint, " ")
			r := httptest.NewRequest(method, path, strings.NewReader(body))
			r.URL = &url.URL{Path: path, RawQuery: query}
			r.Header.Set("X-Acs-Dingtalk-Access-Token", c.token)
			w := httptest.NewRecorder()
			c.sim.ServeHTTP(w, r)
			var got struct{ Code string }
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
			require.Equal(t, w.Code == http.StatusOK, got.Code == "")
		}
	})
}
