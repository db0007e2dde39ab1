package wecom

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/leaktest"
	"syncd/internal/model"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	testCorp   = "wwsyncdtest0000001"
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
	opts := Options{Source: "acme", BaseURL: base, CorpID: testCorp, Secret: testSecret, Fetch: quick()}
	for _, f := range change {
		f(&opts)
	}
	c, err := New(opts)
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	return c
}

// vendor is a WeCom that issues tokens and leaves the rest to the test. It can
// be asked over HTTP or, in a bubble, as a transport.
type vendor struct {
	tokenCalls, calls atomic.Int32
	// expiresIn of a new token, 7200 if 0.
	expiresIn int
	// token answers gettoken instead, if set and not "".
	token func(n int32) string
	// answer is asked for the business endpoints; n counts from 1.
	answer func(n int32, token string, r *http.Request) string
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json; charset=UTF-8")
	_, _ = io.WriteString(w, v.reply(r))
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	v.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func (v *vendor) reply(r *http.Request) string {
	q := r.URL.Query()
	if r.URL.Path != "/cgi-bin/gettoken" {
		return v.answer(v.calls.Add(1), q.Get("access_token"), r)
	}
	n := v.tokenCalls.Add(1)
	if v.token != nil {
		if text := v.token(n); text != "" {
			return text
		}
	}
	if q.Get("corpid") != testCorp || q.Get("corpsecret") != testSecret {
		return failure(40001)
	}
	life := v.expiresIn
	if life == 0 {
		life = 7200
	}
	return fmt.Sprintf(`{"errcode":0,"errmsg":"ok","access_token":"tok-%04d","expires_in":%d}`, n, life)
}

func failure(code int) string {
	return fmt.Sprintf(`{"errcode":%d,"errmsg":"no, hint: [17], from ip: 203.0.113.7, more info at https://x/?e=%d"}`, code, code)
}

const owners = `{"errcode":0,"errmsg":"ok","follow_user":["li.lei"]}`

func serve(t *testing.T, v *vendor, change ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return testClient(t, server.URL, change...)
}

func ownersChain(c *Client) model.Chain {
	s := c.Specs()[0]
	return model.Chain{Source: "acme", Stream: s.Name, Subject: s.Subjects[0].Name, Params: s.Subjects[0].Params}
}

func chatsChain(c *Client) model.Chain {
	s := c.Specs()[1]
	return model.Chain{Source: "acme", Stream: s.Name, Subject: s.Subjects[0].Name, Params: s.Subjects[0].Params}
}

func memberChain(c *Client, chat string) model.Chain {
	s := c.Specs()[2]
	return model.Chain{Source: "acme", Stream: s.Name, Subject: chat, Params: s.Params}
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

// TestRequests compares what goes over the wire with the vendor's own samples.
func TestRequests(t *testing.T) {
	t.Parallel()
	var got []string
	v := &vendor{answer: func(_ int32, token string, r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+token+" "+string(body))
		file := "testdata/detail/sample.json"
		switch r.URL.Path {
		case "/cgi-bin/externalcontact/get_follow_user_list":
			return owners
		case "/cgi-bin/externalcontact/groupchat/list":
			file = "testdata/chats/sample.json"
		}
		answer, _ := os.ReadFile(file)
		return string(answer)
	}}
	c := serve(t, v, func(o *Options) { o.OwnerIDs = []string{"abel"}; o.PageSize = 10 })

	page, err := c.Page(t.Context(), ownersChain(c), "")
	require.NoError(t, err)
	require.Empty(t, page.Owners, "li.lei is not among the configured owners")
	page, err = c.Page(t.Context(), chatsChain(c), "")
	require.NoError(t, err)
	require.Len(t, page.Chats, 2)
	require.Equal(t, "tJzlB9tdqfh-g7i_J-ehOz_TWcd7dSKa39_AqCIeMFw", page.Next)
	require.False(t, page.Last)
	require.Equal(t, 1, page.Calls)
	require.False(t, page.RequestedAt.After(page.ReceivedAt))
	_, err = c.Page(t.Context(), chatsChain(c), "r9FqSqsI8fgNbHLHE5QoCP50UIg2cFQbfma3l2QsmwI")
	require.NoError(t, err)
	_, err = c.Page(t.Context(), memberChain(c, "wrOgQhDgAAMYQiS5ol9G7gK9JVAAAA"), "")
	require.NoError(t, err)

	require.Len(t, got, 4)
	require.Equal(t, "GET /cgi-bin/externalcontact/get_follow_user_list tok-0001 ", got[0])
	prefix := "POST /cgi-bin/externalcontact/groupchat/list tok-0001 "
	require.JSONEq(t, `{"status_filter":0,"owner_filter":{"userid_list":["abel"]},"limit":10}`, strings.TrimPrefix(got[1], prefix))
	require.JSONEq(t, sample(t, "chats_request.json"), strings.TrimPrefix(got[2], prefix))
	require.JSONEq(t, sample(t, "detail_request.json"),
		strings.TrimPrefix(got[3], "POST /cgi-bin/externalcontact/groupchat/get tok-0001 "))
	require.EqualValues(t, 1, v.tokenCalls.Load())
}

// The vendor takes ids that differ in case only for one: whoever writes owner_ids as
// people speak of each other restricts the source to them, not to nobody.
func TestConfiguredOwnersInAnotherCase(t *testing.T) {
	t.Parallel()
	only := []string{"Li.Lei"}
	c := testClient(t, "http://vendor.invalid")
	_, page, err := c.readOwners([]byte(`{"errcode":0,"follow_user":["li.lei","han.mei"]}`), only)
	require.NoError(t, err)
	require.Equal(t, []model.Owner{{ID: "li.lei"}}, page.Owners)
	_, page, err = c.readTasks([]byte(`{"errcode":0,"task_list":[{"userid":"LI.LEI","status":2},{"userid":"han.mei","status":2}]}`), "m", only)
	require.NoError(t, err)
	require.Len(t, page.MessageTasks, 1)
	require.Equal(t, "LI.LEI", page.MessageTasks[0].UserID)
}

func sample(t *testing.T, file string) string {
	t.Helper()
	body, err := os.ReadFile("testdata/" + file)
	require.NoError(t, err)
	return string(body)
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	specs := c.Specs()
	require.Len(t, specs, 5)
	require.Equal(t, model.StreamSpec{
		Name: "owners", Shape: model.ShapeList, Concurrency: 1, Scope: json.RawMessage(`{}`),
		Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{}`)}}, Lists: []model.Record{model.RecordOwner},
		DriftRepeats: 2,
	}, specs[0])
	require.JSONEq(t, `{"status_filter":0,"owner_ids":["li"],"limit":1000}`, string(specs[1].ForOwners([]string{"li"})))
	specs[1].ForOwners = nil
	require.Equal(t, model.StreamSpec{
		Name: "chats", Shape: model.ShapeList, Needs: []string{"owners"}, Concurrency: 4, CursorTTL: time.Hour,
		Subjects: []model.Subject{
			{Name: "status/0", Params: json.RawMessage(`{"status_filter":0,"limit":1000}`)},
			{Name: "status/1", Params: json.RawMessage(`{"status_filter":1,"limit":1000}`)},
		},
		Scope: json.RawMessage(`{}`), Lists: []model.Record{model.RecordChat}, ConfirmedBy: "members", Roster: true, DriftRepeats: 2,
	}, specs[1])
	require.Equal(t, model.StreamSpec{
		Name: "members", Shape: model.ShapeDetail, Needs: []string{"chats"}, Concurrency: 4, MaxAge: 24 * time.Hour,
		Params: json.RawMessage(`{"need_name":1}`), Scope: json.RawMessage(`{}`), Confirms: "chats",
	}, specs[2])
}

func TestSpecsOfConfiguredOwners(t *testing.T) {
	t.Parallel()
	var ids []string
	for i := range 250 {
		ids = append(ids, fmt.Sprintf("owner%03d", 249-i))
	}
	c := testClient(t, "http://vendor.invalid", func(o *Options) { o.OwnerIDs = append(ids, ids[0]) })
	specs := c.Specs()
	require.Len(t, specs[1].Subjects, 3)
	seen := 0
	for i, s := range specs[1].Subjects {
		require.Equal(t, fmt.Sprintf("owners/%d", i), s.Name)
		var p chatsParams
		require.NoError(t, json.Unmarshal(s.Params, &p))
		require.LessOrEqual(t, len(p.OwnerIDs), ownerBatchMax)
		seen += len(p.OwnerIDs)
	}
	require.Equal(t, 250, seen)

	other := testClient(t, "http://vendor.invalid", func(o *Options) { o.OwnerIDs = append([]string{}, ids...); o.PageSize = 7 })
	require.Equal(t, specs[1].Scope, other.Specs()[1].Scope, "neither order nor page size is scope")
	require.Equal(t, "owner249", ids[0], "the caller's slice is left alone")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := Options{Source: "acme", BaseURL: "https://vendor", CorpID: testCorp, Secret: testSecret}
	for name, change := range map[string]func(*Options){
		"no base":   func(o *Options) { o.BaseURL = "" },
		"no host":   func(o *Options) { o.BaseURL = "https://" },
		"ftp":       func(o *Options) { o.BaseURL = "ftp://vendor" },
		"no corp":   func(o *Options) { o.CorpID = "" },
		"no secret": func(o *Options) { o.Secret = "" },
		"page size": func(o *Options) { o.PageSize = 1001 },
	} {
		opts := good
		change(&opts)
		_, err := New(opts)
		require.Error(t, err, name)
	}
}

func TestNothingPrintsTheSecret(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(int32, string, *http.Request) string { return owners }}
	c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
	require.NoError(t, c.Check(t.Context()))
	opts := Options{Source: "acme", Secret: testSecret}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{c, opts, &opts, *c, *c.http, c.tokens, struct{ O Options }{opts}, []*Client{c}} {
			text := fmt.Sprintf(verb, value)
			require.NotContains(t, text, testSecret, "%s of %T", verb, value)
			require.NotContains(t, text, "tok-0", "%s of %T", verb, value)
		}
	}
}

func TestUnknownStreamAndParams(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for _, chain := range []model.Chain{
		{Stream: "moments"},
		{Stream: "owners", Params: json.RawMessage(`[]`)},
		{Stream: "chats"},
		{Stream: "members", Params: json.RawMessage(`{`)},
	} {
		_, err := c.Page(t.Context(), chain, "")
		require.Equal(t, fetch.ClassUnknown, asError(t, err).Class)
	}
}

func TestVerdictOfTheVendor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code   int
		cursor string
		class  fetch.Class
		calls  int32
	}{
		"refused":     {40003, "", fetch.ClassRefused, 1},
		"cursor gone": {40058, "c1", fetch.ClassCursorGone, 1},
		"too large":   {81017, "", fetch.ClassTooLarge, 1},
		"permission":  {48002, "", fetch.ClassAuth, 1},
		"busy":        {-1, "", fetch.ClassTransient, 3},
		"unknown":     {123456, "", fetch.ClassTransient, 3},
		"congested":   {45033, "", fetch.ClassThrottled, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{answer: func(int32, string, *http.Request) string {
				return strings.Replace(failure(tc.code), "{", `{"group_chat_list":[],`, 1)
			}}
			c := serve(t, v)
			page, err := c.Page(t.Context(), chatsChain(c), tc.cursor)
			e := asError(t, err)
			require.Equal(t, tc.class, e.Class)
			require.Equal(t, "groupchat/list", e.Endpoint)
			require.Equal(t, "no (hint 17)", e.Message)
			require.Equal(t, tc.calls, v.calls.Load())
			require.Equal(t, model.Page{Calls: int(tc.calls)}, page)
		})
	}
}

func TestThrottledIsWaitedOutThenHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: func(int32, string, *http.Request) string { return failure(45009) }}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		began := time.Now()
		_, err := c.Page(t.Context(), ownersChain(c), "")
		e := asError(t, err)
		require.Equal(t, fetch.ClassThrottled, e.Class)
		require.Equal(t, "45009", e.Code)
		require.Equal(t, 5*time.Minute, e.RetryAfter)
		require.Equal(t, time.Minute, time.Since(began))
		require.EqualValues(t, 2, v.calls.Load())
	})
}

func TestRejectsAreScrubbed(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(_ int32, token string, _ *http.Request) string {
		return `{"errcode":0,"group_chat_list":[{"chat":"` + token + `"}]}`
	}}
	c := serve(t, v)
	page, err := c.Page(t.Context(), chatsChain(c), "")
	require.NoError(t, err)
	require.Len(t, page.Rejects, 1)
	require.JSONEq(t, `{"chat":"***"}`, string(page.Rejects[0].Raw))
}

// parallel runs f n times at once and waits.
func parallel(n int, f func()) {
	var wg sync.WaitGroup
	for range n {
		wg.Go(f)
	}
	wg.Wait()
}
