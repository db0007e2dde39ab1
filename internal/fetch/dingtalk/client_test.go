package dingtalk

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/leaktest"
	"syncd/internal/model"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	testKey    = "dingtestappkey0001"
	testSecret = "secret/with+odd=chars&more"
)

// quick makes repeats immediate, and none of an answer that a busy machine delays.
func quick() fetch.Options {
	const patience = 2 * time.Minute
	return fetch.Options{
		BackoffFirst: time.Millisecond, BackoffMax: time.Millisecond,
		ConnectTimeout: patience, HeaderTimeout: patience, AttemptTimeout: patience,
	}
}

func testClient(tb testing.TB, base string, change ...func(*Options)) *Client {
	tb.Helper()
	opts := Options{Source: "acme", BaseURL: base, AppKey: testKey, AppSecret: testSecret, Fetch: quick()}
	for _, f := range change {
		f(&opts)
	}
	c, err := New(opts)
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	return c
}

// bySuite makes the credential a third party's.
func bySuite(o *Options) {
	o.AppKey, o.AppSecret = "", ""
	o.SuiteKey, o.SuiteSecret, o.SuiteTicket, o.AuthCorpID = "suite1", testSecret, "ticket1", "corp1"
}

// reply is one answer of the vendor.
type reply struct {
	status int
	body   string
}

func ok(body string) reply { return reply{http.StatusOK, body} }

func refusal(status int, code string) reply {
	return reply{status, fmt.Sprintf(`{"code":%q,"message":"no","requestid":"REQ-1"}`, code)}
}

// vendor is a DingTalk that issues tokens and leaves the rest to the test. It can
// be asked over HTTP or, in a bubble, as a transport.
type vendor struct {
	tokenCalls, calls atomic.Int32
	// expireIn of a new token, 7200 if 0.
	expireIn int
	// same issues the same token always.
	same bool
	// token answers token calls instead, if set and with a status.
	token func(n int32) reply
	// answer is asked for the business endpoints; n counts from 1.
	answer func(n int32, token string, r *http.Request) reply

	mu   sync.Mutex
	asks []ask
}

// ask is one business request as it came.
type ask struct {
	Method, Path string
	Query        url.Values
	Body         string
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	out := v.reply(r)
	w.WriteHeader(out.status)
	_, _ = io.WriteString(w, out.body)
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	v.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (v *vendor) reply(r *http.Request) reply {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return refusal(http.StatusInternalServerError, "systemError")
	}
	switch r.URL.Path {
	case "/v1.0/oauth2/accessToken":
		return v.issue(string(body), fmt.Sprintf(`{"appKey":%q,"appSecret":%s}`, testKey, quoted(testSecret)), "invalidClientIdOrSecret")
	case "/v1.0/oauth2/corpAccessToken":
		return v.issue(string(body), fmt.Sprintf(
			`{"suiteKey":"suite1","suiteSecret":%s,"authCorpId":"corp1","suiteTicket":"ticket1"}`, quoted(testSecret)), "invalidSuiteKey")
	}
	v.mu.Lock()
	v.asks = append(v.asks, ask{r.Method, r.URL.Path, r.URL.Query(), string(body)})
	v.mu.Unlock()
	return v.answer(v.calls.Add(1), r.Header.Get("x-acs-dingtalk-access-token"), r)
}

func quoted(s string) string {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (v *vendor) issue(got, want, code string) reply {
	n := v.tokenCalls.Add(1)
	if v.token != nil {
		if out := v.token(n); out.status != 0 {
			return out
		}
	}
	if got != want {
		return refusal(http.StatusBadRequest, code)
	}
	life := v.expireIn
	if life == 0 {
		life = 7200
	}
	if v.same {
		n = 1
	}
	return ok(fmt.Sprintf(`{"accessToken":"tok-%04d","expireIn":%d}`, n, life))
}

// always answers every business request alike.
func always(r reply) func(int32, string, *http.Request) reply {
	return func(int32, string, *http.Request) reply { return r }
}

func serve(t *testing.T, v *vendor, change ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return testClient(t, server.URL, change...)
}

const noChats = `{"resultList":[],"hasMore":false,"totalCount":0}`

func chatsChain(c *Client) model.Chain {
	for _, s := range c.Specs() {
		if s.Name == streamChats && s.Mode == modeFull {
			return model.Chain{Source: "acme", Stream: s.Name, Subject: s.Subjects[0].Name, Params: s.Subjects[0].Params}
		}
	}
	panic("no chats")
}

func checkChain(id string) model.Chain {
	return model.Chain{Source: "acme", Stream: streamChatChecks, Subject: id, Params: []byte(`{}`)}
}

func setsChain() model.Chain {
	return model.Chain{
		Source: "acme", Stream: streamSets, Subject: "crm_customer",
		Params: []byte(`{"relation_type":"crm_customer","max_results":10}`),
	}
}

func readsChain(key string, bornAt time.Time) model.Chain {
	return model.Chain{
		Source: "acme", Stream: streamReads, Subject: key, BornAt: bornAt,
		Params: []byte(`{"chat":"cid6KeBBL****5x7EeiodoA==","robot":"dingue****yn0pjqd"}`),
	}
}

func asError(t *testing.T, err error) *fetch.Error {
	t.Helper()
	var e *fetch.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "acme", e.Source)
	require.NotContains(t, err.Error(), testSecret)
	require.NotContains(t, err.Error(), "tok-0")
	return e
}

func parallel(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}

func sample(tb testing.TB, file string) string {
	tb.Helper()
	body, err := os.ReadFile("testdata/" + file)
	require.NoError(tb, err)
	return string(body)
}

// TestRequests looks at what goes over the wire for each stream.
func TestRequests(t *testing.T) {
	t.Parallel()
	since := time.Date(2026, 11, 20, 1, 2, 3, 456e6, time.UTC)
	bounded := func(c *Client) model.Chain {
		chain := chatsChain(c)
		chain.Bounds = model.Bounds{After: since, Until: since.Add(time.Hour)}
		return chain
	}
	const order = `"orderByFields":[{"orderByFieldId":"gmtCreate","orderByDirection":"ASC"}]`
	const bounds = `{"filterType":"GT","value":"1795136523455","fieldId":"gmtCreate"},{"filterType":"LT","value":"1795140123457","fieldId":"gmtCreate"}`
	list := func(dsl string) url.Values {
		return url.Values{"relationType": {"crm_customer"}, "maxResults": {"100"}, "queryDsl": {dsl}}
	}
	for name, tc := range map[string]struct {
		change func(*Options)
		chain  func(*Client) model.Chain
		cursor string
		want   ask
	}{
		"chats": {
			chain: chatsChain,
			want:  ask{Method: http.MethodGet, Path: "/v1.0/crm/crmGroupChats", Query: list(`{` + order + `}`)},
		},
		"chats within bounds": {
			chain: bounded,
			want: ask{Method: http.MethodGet, Path: "/v1.0/crm/crmGroupChats", Query: list(
				`{"queryGroupList":[{"logicType":"AND","queryObjectList":[` + bounds + `]}],` + order + `}`)},
		},
		"chats within bounds and a filter": {
			change: func(o *Options) {
				o.QueryDSL = `{"queryGroupList":[{"logicType":"AND","queryObjectList":[{"filterType":"SEARCH","value":"a&b+c","fieldId":"name"}]}]}`
			},
			chain: bounded, cursor: "a+/=&",
			want: ask{Method: http.MethodGet, Path: "/v1.0/crm/crmGroupChats", Query: func() url.Values {
				q := list(`{"queryGroupList":[{"logicType":"AND","queryObjectList":[{"filterType":"SEARCH","value":"a&b+c","fieldId":"name"},` +
					bounds + `]}],` + order + `}`)
				q.Set("nextToken", "a+/=&")
				return q
			}()},
		},
		"one chat": {
			chain: func(*Client) model.Chain { return checkChain("cid/+A==") },
			want: ask{
				Method: http.MethodPost, Path: "/v1.0/crm/crmGroupChats/query", Query: url.Values{"openConversationId": {"cid/+A=="}},
			},
		},
		"group sets": {
			chain: func(*Client) model.Chain { return setsChain() }, cursor: "x",
			want: ask{
				Method: http.MethodGet, Path: "/v1.0/crm/groupSets/lists",
				Query: url.Values{"relationType": {"crm_customer"}, "maxResults": {"10"}, "nextToken": {"x"}},
			},
		},
		"readers": {
			chain: func(*Client) model.Chain { return readsChain("Kna29Ra5p*****DzgfxZLapw55G7x0Q=", since) }, cursor: "50",
			want: ask{
				Method: http.MethodPost, Path: "/v1.0/robot/groupMessages/query", Query: url.Values{},
				Body: strings.Replace(sample(t, "reads_request.json"), `"maxResults": 50`, `"maxResults": 200`, 1),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{answer: always(refusal(http.StatusBadRequest, "userIdNotExists"))}
			c := serve(t, v, func(o *Options) {
				if tc.change != nil {
					tc.change(o)
				}
			})
			_, err := c.Page(t.Context(), tc.chain(c), tc.cursor)
			require.Equal(t, fetch.ClassRefused, asError(t, err).Class)
			require.Len(t, v.asks, 1)
			got := v.asks[0]
			if tc.want.Body != "" {
				require.JSONEq(t, tc.want.Body, got.Body)
				got.Body = tc.want.Body
			}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Errorf("request (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPaging(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(_ int32, _ string, r *http.Request) reply {
		if r.URL.Query().Get("nextToken") == "agds12" {
			return ok(sample(t, "chats/last.json"))
		}
		return ok(sample(t, "chats/sample.json"))
	}}
	c := serve(t, v)
	page, err := c.Page(t.Context(), chatsChain(c), "")
	require.NoError(t, err)
	require.Equal(t, "agds12", page.Next)
	require.False(t, page.Last)
	require.EqualValues(t, 1000, *page.Total)
	require.Equal(t, 1, page.Calls)
	page, err = c.Page(t.Context(), chatsChain(c), page.Next)
	require.NoError(t, err)
	require.True(t, page.Last)
	require.Empty(t, page.Next, "what comes beside hasMore false is no cursor")
	require.Len(t, page.Chats, 2)
}

func TestADeadCursor(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: always(refusal(http.StatusBadRequest, "invalidParameter"))}
	c := serve(t, v)
	_, err := c.Page(t.Context(), chatsChain(c), "stale")
	require.Equal(t, fetch.ClassCursorGone, asError(t, err).Class)
	_, err = c.Page(t.Context(), chatsChain(c), "")
	require.Equal(t, fetch.ClassRefused, asError(t, err).Class, "without one it is about the params")
	require.EqualValues(t, 2, v.calls.Load())
}

// TestAYoungMessageIsNotReadyAndAnOldOneIsGone: one code, two meanings.
func TestAYoungMessageIsNotReadyAndAnOldOneIsGone(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	v := &vendor{answer: always(refusal(http.StatusBadRequest, codeExpireTime))}
	c := serve(t, v, func(o *Options) { o.Fetch.Now = func() time.Time { return now } })
	for name, tc := range map[string]struct {
		bornAt  time.Time
		want    fetch.Class
		message string
	}{
		"just sent":      {now, fetch.ClassNotReady, "no (requestid REQ-1)"},
		"nearly a day":   {now.Add(1 - 24*time.Hour), fetch.ClassNotReady, "no (requestid REQ-1)"},
		"a day":          {now.Add(-24 * time.Hour), fetch.ClassGone, "expired: no (requestid REQ-1)"},
		"nobody knows":   {time.Time{}, fetch.ClassNotReady, "no (requestid REQ-1)"},
		"sent tomorrow":  {now.Add(time.Hour), fetch.ClassNotReady, "no (requestid REQ-1)"},
		"sent last year": {now.AddDate(-1, 0, 0), fetch.ClassGone, "expired: no (requestid REQ-1)"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := c.Page(t.Context(), readsChain("key", tc.bornAt), "")
			e := asError(t, err)
			require.Equal(t, tc.want, e.Class)
			require.Equal(t, codeExpireTime, e.Code)
			require.Equal(t, tc.message, e.Message)
			require.Equal(t, 1, page.Calls, "the same question again gets the same answer")
		})
	}
}

// TestTheMonthIsSpent: until it ends where the vendor counts it.
func TestTheMonthIsSpent(t *testing.T) {
	t.Parallel()
	for now, rest := range map[time.Time]time.Duration{
		time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC):   10*24*time.Hour + 16*time.Hour,
		time.Date(2026, 11, 30, 15, 59, 0, 0, time.UTC): time.Minute,
		time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC):  31 * 24 * time.Hour,
		time.Date(2026, 12, 31, 0, 0, 0, 0, time.UTC):   16 * time.Hour,
	} {
		t.Run(now.String(), func(t *testing.T) {
			t.Parallel()
			v := &vendor{answer: always(refusal(http.StatusForbidden, codeMonthSpent))}
			c := serve(t, v, func(o *Options) {
				o.Fetch.Now, o.Fetch.WaitMax = func() time.Time { return now }, time.Second
			})
			_, err := c.Page(t.Context(), chatsChain(c), "")
			e := asError(t, err)
			require.Equal(t, fetch.ClassThrottled, e.Class)
			require.Equal(t, rest, e.RetryAfter)
			require.Equal(t, fixQuota, e.Remedy)
			_, err = c.Page(t.Context(), setsChain(), "")
			require.Equal(t, codeMonthSpent, asError(t, err).Code)
			require.EqualValues(t, 1, v.calls.Load(), "the month is that of every endpoint")
			require.NoError(t, c.Check(t.Context()))
		})
	}
}

// counter is a meter that grants everything.
type counter struct {
	mu    sync.Mutex
	lanes []string
}

func (m *counter) Take(_ context.Context, lane string) (time.Duration, string, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lanes = append(m.lanes, lane)
	return 0, "", nil
}

func (m *counter) Spent(context.Context, time.Time, string) error { return nil }

// TestWhatCounts: every call but those for tokens, and readers on their own lane.
func TestWhatCounts(t *testing.T) {
	t.Parallel()
	meter := &counter{}
	v := &vendor{answer: always(ok(noChats))}
	c := serve(t, v, func(o *Options) { o.Fetch.Meter = meter })
	_, err := c.Page(t.Context(), chatsChain(c), "")
	require.NoError(t, err)
	v.answer = always(ok(sample(t, "reads/sample.json")))
	_, err = c.Page(t.Context(), readsChain("key", time.Time{}), "")
	require.NoError(t, err)
	require.Equal(t, []string{"", LaneReads}, meter.lanes)
	require.EqualValues(t, 1, v.tokenCalls.Load())
}

func TestABanIsForTheHost(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]reply{
		"a page":                {http.StatusOK, "<html><body>sorry</body></html>"},
		"a page, forbidden":     {http.StatusForbidden, "\n <!doctype html>"},
		"a page, not allowed":   {http.StatusMethodNotAllowed, "\xEF\xBB\xBF<html>"},
		"punished":              {http.StatusForbidden, `{"punish":"deny","uuid":"1"}`},
		"punished by number":    {http.StatusOK, `{"status":1111,"wait":5}`},
		"punished beside a 429": {http.StatusTooManyRequests, `{"punish":"deny"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				hosts := fetch.NewHosts()
				v := &vendor{answer: always(answer)}
				shared := func(o *Options) { o.Fetch.Transport, o.Fetch.Hosts = v, hosts }
				c, other := testClient(t, "http://vendor", shared), testClient(t, "http://vendor", shared)
				page, err := c.Page(t.Context(), chatsChain(c), "")
				e := asError(t, err)
				require.Equal(t, fetch.ClassThrottled, e.Class)
				require.Equal(t, codeBanned, e.Code)
				require.Equal(t, 5*time.Minute, e.RetryAfter)
				require.Equal(t, 1, page.Calls)
				require.Equal(t, codeBanned, asError(t, other.Check(t.Context())).Code, "not even a token is asked for")
				require.EqualValues(t, 1, v.tokenCalls.Load())
				time.Sleep(5 * time.Minute)
				require.NoError(t, other.Check(t.Context()))
			})
		})
	}
	t.Run("a gateway that is down bans nobody", func(t *testing.T) {
		t.Parallel()
		for status, want := range map[int]fetch.Class{
			http.StatusBadGateway: fetch.ClassTransient, http.StatusNotFound: fetch.ClassRefused,
		} {
			c := serve(t, &vendor{answer: always(reply{status, "<html>"})})
			_, err := c.Page(t.Context(), chatsChain(c), "")
			require.Equal(t, want, asError(t, err).Class)
		}
	})
}

func TestNew(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Options)
		want   string
	}{
		"no address":      {func(o *Options) { o.BaseURL = "api.dingtalk.com" }, "base_url"},
		"no credential":   {func(o *Options) { o.AppSecret = "" }, "either app_key and app_secret, or suite_key"},
		"half a suite":    {func(o *Options) { bySuite(o); o.SuiteTicket = "" }, "either app_key and app_secret, or suite_key"},
		"two credentials": {func(o *Options) { bySuite(o); o.AppKey, o.AppSecret = "a", "b" }, "either app_key and app_secret, or suite_key"},
		"relation":        {func(o *Options) { o.RelationTypes = []string{"crm_friend"} }, `relation_types: "crm_friend" is none of crm_customer`},
		"page size":       {func(o *Options) { o.PageSize = 101 }, "page size 101 is not within 1 to 100"},
		"filter":          {func(o *Options) { o.QueryDSL = `{"orderBy":1}` }, "query_dsl: read as JSON"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			opts := Options{Source: "acme", BaseURL: "https://api.dingtalk.com", AppKey: testKey, AppSecret: testSecret}
			tc.change(&opts)
			_, err := New(opts)
			require.ErrorContains(t, err, tc.want)
		})
	}
	t.Run("prints no secret", func(t *testing.T) {
		t.Parallel()
		for _, change := range []func(*Options){func(*Options) {}, bySuite} {
			opts := Options{AppKey: testKey, AppSecret: testSecret}
			change(&opts)
			c := testClient(t, "http://vendor.invalid", change)
			for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%d", "%q"} {
				require.NotContains(t, fmt.Sprintf(verb+verb+verb, opts, &opts, c), testSecret)
				require.NotContains(t, fmt.Sprintf(verb+verb, *c, c.tokens), testSecret)
			}
		}
	})
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid", func(o *Options) {
		o.RelationTypes = []string{"crm_customer_personal", "crm_customer", "crm_customer"}
		o.QueryDSL = `{"queryGroupList":[{"logicType":"AND","queryObjectList":[{"filterType":"EQ","value":"li.lei","fieldId":"ownerUserId"}]}]}`
	})
	byName := map[string]model.StreamSpec{}
	for _, s := range c.Specs() {
		byName[strings.TrimSuffix(s.Name+"/"+s.Mode, "/")] = s
		require.NotEmpty(t, c.Endpoint(s.Name, ""))
		require.Positive(t, s.Concurrency)
		if s.Shape == model.ShapeList {
			require.Len(t, s.Subjects, 2)
			require.Equal(t, s.Subjects[0].Params, s.ParamsOf(model.Chain{Subject: s.Subjects[0].Name}))
		}
	}
	full, fresh := byName["chats/full"], byName["chats/new"]
	require.Equal(t, model.Subject{
		Name: "crm_customer/full", Lane: "crm_customer",
		Params: []byte(`{"relation_type":"crm_customer","conditions":[{"filter":"EQ","field":"ownerUserId","values":["li.lei"]}],"max_results":100}`),
	}, full.Subjects[0])
	require.Equal(t, "crm_customer_personal/new", fresh.Subjects[1].Name)
	require.Equal(t, full.Subjects[1].Lane, fresh.Subjects[1].Lane, "both move one watermark")
	require.Equal(t, full.Subjects[1].Params, fresh.Subjects[1].Params)
	require.JSONEq(t, string(full.Scope), string(fresh.Scope))
	require.Equal(t, []model.Record{model.RecordChat}, full.Lists)
	require.Nil(t, fresh.Lists, "who is not new is not absent")
	require.Equal(t, &model.BoundsSpec{Margin: time.Minute, Ascending: true}, full.Bounds)
	require.Equal(t, &model.BoundsSpec{
		Margin: time.Minute, FromWatermark: true, Overlap: 10 * time.Minute, Ascending: true,
	}, fresh.Bounds)
	require.Equal(t, full.ConfirmedBy, byName["chat_checks"].Name)
	require.Equal(t, streamChats, byName["chat_checks"].Confirms)
	require.Contains(t, full.TotalsRemedy, "streams.chats.check_totals")
	require.Contains(t, byName["group_sets"].TotalsRemedy, "streams.group_sets.check_totals")
	require.Zero(t, byName["chat_checks"].MaxAge, "only when something asks for it")
	require.Equal(t, &model.Follow{For: 24 * time.Hour, Min: 10 * time.Minute, Late: time.Hour}, byName["message_reads"].Follow)
	require.Empty(t, byName["group_sets"].Bounds)
	require.Empty(t, c.Endpoint("owners", ""))
	require.Equal(t, LaneReads, c.Lane(streamReads))
	require.Equal(t, LaneChecks, c.Lane(streamChatChecks))
	require.Empty(t, c.Lane(streamChats))
}
