package scrm

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"sync"
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
	testApp = "app-demo"
	testKey = "key/demo+odd=chars&more"
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
	opts := Options{Source: "acme", BaseURL: base, AppID: testApp, AppKey: testKey, SendAppKey: true, Fetch: quick()}
	for _, f := range change {
		f(&opts)
	}
	c, err := New(opts)
	require.NoError(tb, err)
	tb.Cleanup(c.Close)
	return c
}

// vendor answers with what the test says; n counts from 1. It can be asked over
// HTTP or, in a bubble, as a transport.
type vendor struct {
	mu     sync.Mutex
	n      int
	answer func(n int, body string, r *http.Request) string
	// header is added to every answer.
	header func() http.Header
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.n++
	w.Header().Set("Content-Type", "application/json;charset=UTF-8")
	if v.header != nil {
		maps.Copy(w.Header(), v.header())
	}
	_, _ = io.WriteString(w, v.answer(v.n, string(body), r))
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	r = r.Clone(r.Context())
	for name, values := range r.Header { // as a server reads them
		r.Header[http.CanonicalHeaderKey(name)] = values
	}
	v.ServeHTTP(rec, r)
	return rec.Result(), nil
}

func served(t *testing.T, v *vendor, change ...func(*Options)) *Client {
	t.Helper()
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	return testClient(t, server.URL+"/apiServer", change...)
}

func failure(code int) string {
	return fmt.Sprintf(`{"code":%d,"message":"no, says the vendor","data":null}`, code)
}

func sample(t *testing.T, file string) string {
	t.Helper()
	body, err := os.ReadFile("testdata/groups/" + file)
	require.NoError(t, err)
	return string(body)
}

func always(text string) *vendor {
	return &vendor{answer: func(int, string, *http.Request) string { return text }}
}

func firstChain(c *Client) model.Chain {
	s := c.Specs()[0]
	return model.Chain{Source: "acme", Stream: s.Name, Subject: s.Subjects[0].Name, Params: s.Subjects[0].Params}
}

func asError(t *testing.T, err error) *fetch.Error {
	t.Helper()
	var e *fetch.Error
	require.ErrorAs(t, err, &e)
	require.Equal(t, "acme", e.Source)
	require.Equal(t, "groupSop/getGroupList", e.Endpoint)
	require.NotContains(t, err.Error(), testKey)
	return e
}

// TestRequest looks at what goes over the wire: every field of the vendor's page,
// and a signature over exactly these bytes.
func TestRequest(t *testing.T) {
	t.Parallel()
	var body string
	var got *http.Request
	v := &vendor{answer: func(_ int, b string, r *http.Request) string {
		body, got = b, r
		return sample(t, "sample.json")
	}}
	c := served(t, v, func(o *Options) {
		o.UserIDs, o.Keyword, o.TagGroupIDs = []int64{463352988837952}, "<客户>群", []int64{9, 7, 9}
		o.ConditionOp, o.PageSize = new(int64(0)), 10
	})
	chain := firstChain(c)
	chain.Bounds = model.Bounds{
		After: time.Date(2022, 1, 1, 0, 0, 0, 0, time.UTC), Until: time.Date(2022, 4, 26, 15, 59, 59, 999, time.UTC),
	}
	page, err := c.Page(t.Context(), chain, "")
	require.NoError(t, err)
	require.Equal(t, `{"pageNo":1,"pageSize":10,"keyword":"<客户>群","userId":463352988837952,"tagGroupIds":[7,9],"conditionOp":0,`+
		`"startCreateTime":"2022-01-01 07:59:59","endCreateTime":"2022-04-27 00:00:00"}`, body)
	require.Equal(t, http.MethodPost, got.Method)
	require.Equal(t, "/apiServer/api/v3/groupSop/getGroupList", got.URL.String())
	require.Equal(t, "application/json", got.Header.Get("Content-Type"))
	require.Equal(t, testApp, got.Header.Get("appId"))
	require.Equal(t, testKey, got.Header.Get("appKey"))
	stamp := got.Header.Get("timestamp")
	require.Equal(t, signatures[SignSHA256](testApp, stamp, []byte(body), testKey), got.Header.Get("sign"))
	millis, err := strconv.ParseInt(stamp, 10, 64)
	require.NoError(t, err)
	require.False(t, time.UnixMilli(millis).Before(page.RequestedAt.Add(-time.Minute)))
	require.False(t, time.UnixMilli(millis).After(page.ReceivedAt))

	require.Len(t, page.Chats, 10)
	require.EqualValues(t, 12, *page.Total)
	require.False(t, page.Last)
	require.False(t, page.Shifted)
	require.Equal(t, 1, page.Calls)
	_, err = c.Page(t.Context(), chain, page.Next)
	require.ErrorContains(t, err, "page 2 was asked for and page 1 came")
	require.Contains(t, body, `{"pageNo":2,"pageSize":10,`)
	require.Equal(t, fetch.ClassMalformed, asError(t, err).Class)
}

func TestRequestWithoutFilters(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(_ int, body string, r *http.Request) string {
		if r.Header.Values("appKey") != nil || body != `{"pageNo":1,"pageSize":50}` {
			return failure(1)
		}
		return sample(t, "empty.json")
	}}
	c := served(t, v, func(o *Options) { o.SendAppKey = false })
	page, err := c.Page(t.Context(), firstChain(c), "")
	require.NoError(t, err)
	require.True(t, page.Last)
	require.False(t, page.Shifted)
	require.Zero(t, *page.Total)
	require.Empty(t, page.Chats)
}

func TestSpecs(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	want := model.StreamSpec{
		Name: "chats", Shape: model.ShapeList, Scope: json.RawMessage(`{}`), CursorTTL: time.Hour, Concurrency: 4,
		Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{"page_size":50}`)}},
		Lists:    []model.Record{model.RecordChat, model.RecordTask},
		Bounds:   &model.BoundsSpec{Margin: 5 * time.Minute}, DriftRepeats: 2, TotalsRemedy: fixTotals,
	}
	require.Equal(t, []model.StreamSpec{want}, c.Specs())

	ids := []int64{30, 4, 30}
	change := func(o *Options) {
		o.UserIDs, o.Keyword, o.TagGroupIDs, o.ConditionOp = ids, "群", []int64{2, 1}, new(int64(1))
	}
	c = testClient(t, "http://vendor.invalid", change)
	want.Scope = json.RawMessage(`{"user_ids":[4,30],"keyword":"群","tag_group_ids":[1,2],"condition_op":1}`)
	rest := `"keyword":"群","tag_group_ids":[1,2],"condition_op":1,"page_size":50}`
	want.Recount = true
	want.Subjects = []model.Subject{
		{Name: "user/4", Params: json.RawMessage(`{"user_id":4,` + rest)},
		{Name: "user/30", Params: json.RawMessage(`{"user_id":30,` + rest)},
	}
	require.Equal(t, []model.StreamSpec{want}, c.Specs())
	require.Equal(t, []int64{30, 4, 30}, ids, "the caller's slice is left alone")
	other := testClient(t, "http://vendor.invalid", change, func(o *Options) { o.PageSize = 7 })
	require.Equal(t, want.Scope, other.Specs()[0].Scope, "the page size is no scope")
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	good := Options{Source: "acme", BaseURL: "https://vendor", AppID: testApp, AppKey: testKey}
	_, err := New(good)
	require.NoError(t, err)
	for name, change := range map[string]func(*Options){
		"no base":          func(o *Options) { o.BaseURL = "" },
		"no host":          func(o *Options) { o.BaseURL = "https://" },
		"ftp":              func(o *Options) { o.BaseURL = "ftp://vendor" },
		"no app":           func(o *Options) { o.AppID = "" },
		"no key":           func(o *Options) { o.AppKey = "" },
		"a key of lines":   func(o *Options) { o.AppKey = "a\nb" },
		"an unknown sign":  func(o *Options) { o.Sign = "md5" },
		"page size":        func(o *Options) { o.PageSize = 1001 },
		"page size, below": func(o *Options) { o.PageSize = -1 },
	} {
		opts := good
		change(&opts)
		_, err := New(opts)
		require.Error(t, err, name)
		require.NotContains(t, err.Error(), testKey)
	}
}

func TestNothingPrintsTheKey(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = always(sample(t, "empty.json")) })
	_, err := c.Page(t.Context(), firstChain(c), "")
	require.NoError(t, err)
	opts := Options{Source: "acme", AppKey: testKey}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x"} {
		for _, value := range []any{c, opts, &opts, c.http, struct{ O Options }{opts}, []*Client{c}, struct{ C *Client }{c}} {
			require.NotContains(t, fmt.Sprintf(verb, value), testKey, "%s of %T", verb, value)
		}
	}
}

func TestUnknownStreamParamsAndCursor(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	good := firstChain(c)
	for name, tc := range map[string]struct {
		change func(*model.Chain)
		cursor string
		class  fetch.Class
	}{
		"stream":         {func(c *model.Chain) { c.Stream = "members" }, "", fetch.ClassUnknown},
		"params":         {func(c *model.Chain) { c.Params = json.RawMessage(`[]`) }, "", fetch.ClassUnknown},
		"no page size":   {func(c *model.Chain) { c.Params = json.RawMessage(`{}`) }, "", fetch.ClassUnknown},
		"cursor":         {nil, "2", fetch.ClassCursorGone},
		"cursor, fields": {nil, `{"page":1,"size":1,"total":0,"latest":0,"more":1}`, fetch.ClassCursorGone},
		"cursor, page":   {nil, `{"page":0,"size":1,"total":0,"latest":0}`, fetch.ClassCursorGone},
		"cursor, size":   {nil, `{"page":2,"size":0,"total":0,"latest":0}`, fetch.ClassCursorGone},
	} {
		chain := good
		if tc.change != nil {
			tc.change(&chain)
		}
		page, err := c.Page(t.Context(), chain, tc.cursor)
		require.Equal(t, tc.class, asError(t, err).Class, name)
		require.Empty(t, page, name)
	}
}

// A verdict is an error whatever stands beside it, and never an empty list.
func TestVerdictOfTheVendor(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		code  int
		class fetch.Class
		calls int
	}{
		"signature":        {1002, fetch.ClassAuth, 2},
		"clock":            {1003, fetch.ClassAuth, 2},
		"validation":       {40417, fetch.ClassRefused, 1},
		"validation, last": {40499, fetch.ClassRefused, 1},
		"unknown":          {40500, fetch.ClassUnknown, 1},
		"negative":         {-1, fetch.ClassUnknown, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := always(strings.Replace(sample(t, "sample.json"), `"code": 0`, fmt.Sprintf(`"code": %d`, tc.code), 1))
			c := served(t, v)
			page, err := c.Page(t.Context(), firstChain(c), "")
			e := asError(t, err)
			require.Equal(t, tc.class, e.Class)
			require.Equal(t, strconv.Itoa(tc.code), e.Code)
			require.Equal(t, "success", e.Message, "what the vendor says, as it is")
			require.NotEmpty(t, e.Remedy)
			require.Equal(t, tc.calls, v.n)
			require.Equal(t, model.Page{Calls: tc.calls}, page)
		})
	}
}

// clocked is a vendor whose clock is ahead and who takes a minute of difference. It
// also checks the signature, as of its own bytes.
func clocked(ahead *time.Duration, answer string) *vendor {
	v := &vendor{header: func() http.Header {
		return http.Header{"Date": {time.Now().Add(*ahead).UTC().Format(http.TimeFormat)}}
	}}
	v.answer = func(_ int, body string, r *http.Request) string {
		stamp := r.Header.Get("timestamp")
		millis, err := strconv.ParseInt(stamp, 10, 64)
		switch {
		case err != nil || r.Header.Get("sign") != signatures[SignSHA256](testApp, stamp, []byte(body), testKey):
			return failure(1002)
		case time.Now().Add(*ahead).Sub(time.UnixMilli(millis)).Abs() > time.Minute:
			return failure(1003)
		}
		return answer
	}
	return v
}

func TestClockIsCorrectedOnceAndSaidSo(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		ahead := -7 * time.Minute
		v := clocked(&ahead, sample(t, "empty.json"))
		var notices []fetch.Notice
		c := testClient(t, "http://vendor", func(o *Options) {
			o.Fetch.Transport = v
			o.Fetch.Hooks.Noticed = func(n fetch.Notice) { notices = append(notices, n) }
		})
		ask := func(calls int) {
			t.Helper()
			page, err := c.Page(t.Context(), firstChain(c), "")
			require.NoError(t, err)
			require.Equal(t, calls, page.Calls)
		}
		ask(2)
		time.Sleep(time.Hour)
		ask(1)
		require.Len(t, notices, 1)
		require.Equal(t, "acme", notices[0].Source)
		require.Contains(t, notices[0].What, "by -6m59s")
		ahead = 0 // somebody has set the clock: the correction is wrong now
		ask(2)
		require.Len(t, notices, 2)
		ask(1)
		require.Zero(t, c.ahead.Load())
	})
}

// A vendor that refuses every time is asked twice, not for ever, and a clock that
// nobody tells is not guessed.
func TestClockThatCannotBeCorrected(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := always(failure(1003))
		v.header = func() http.Header { return http.Header{"Date": {"yesterday"}} }
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		_, err := c.Page(t.Context(), firstChain(c), "")
		require.Equal(t, fetch.ClassAuth, asError(t, err).Class)
		require.Equal(t, 2, v.n)
		require.Zero(t, c.ahead.Load())
	})
}

// Every attempt has a time and a signature of its own.
func TestEveryAttemptIsSignedAnew(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var signs []string
		v := &vendor{answer: func(n int, body string, r *http.Request) string {
			signs = append(signs, r.Header.Get("timestamp")+" "+r.Header.Get("sign"))
			switch n {
			case 1:
				return "<html>busy</html>"
			case 2:
				return failure(1002)
			}
			return sample(t, "empty.json")
		}}
		c := testClient(t, "http://vendor", func(o *Options) {
			o.Fetch.Transport, o.Fetch.BackoffFirst, o.Fetch.BackoffMax = v, time.Hour, time.Hour
			o.Fetch.WaitMax, o.Fetch.RequestTimeout = 2*time.Hour, 9*time.Hour
		})
		page, err := c.Page(t.Context(), firstChain(c), "")
		require.NoError(t, err)
		require.Equal(t, 3, page.Calls)
		require.Len(t, signs, 3)
		require.NotEqual(t, signs[0], signs[1])
	})
}

func TestRejectsAndMessagesAreScrubbed(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(n int, _ string, r *http.Request) string {
		key, _ := json.Marshal(r.Header.Get("appKey"))
		secrets := string(key) + `,"` + r.Header.Get("sign") + `"`
		if n == 1 {
			return `{"code":0,"data":{"totalCount":1,"totalPage":1,"pageNo":1,"pageSize":50,"result":[[` + secrets + `]]}}`
		}
		return `{"code":7,"message":"` + r.Header.Get("sign") + `"}`
	}}
	c := served(t, v)
	page, err := c.Page(t.Context(), firstChain(c), "")
	require.NoError(t, err)
	require.Len(t, page.Rejects, 1)
	require.JSONEq(t, `["***","***"]`, string(page.Rejects[0].Raw))
	_, err = c.Page(t.Context(), firstChain(c), "")
	require.Equal(t, "***", asError(t, err).Message)
}

func TestClampedPageSizeIsFollowedAndSaidOnce(t *testing.T) {
	t.Parallel()
	var asked []string
	v := &vendor{answer: func(_ int, body string, _ *http.Request) string {
		asked = append(asked, body)
		var r groupsRequest
		_ = json.Unmarshal([]byte(body), &r)
		if r.PageNo == 1 {
			return listAnswer(1, 2, 3, 2, "wr1", "wr2")
		}
		return listAnswer(2, 2, 3, 2, "wr3")
	}}
	var notices []fetch.Notice
	c := served(t, v, func(o *Options) {
		o.Fetch.Hooks.Noticed = func(n fetch.Notice) { notices = append(notices, n) }
	})
	for range 2 {
		page, err := c.Page(t.Context(), firstChain(c), "")
		require.NoError(t, err)
		page, err = c.Page(t.Context(), firstChain(c), page.Next)
		require.NoError(t, err)
		require.True(t, page.Last)
		require.False(t, page.Shifted)
	}
	require.Equal(t, []string{`{"pageNo":1,"pageSize":50}`, `{"pageNo":2,"pageSize":2}`}, asked[:2])
	require.Len(t, notices, 1)
	require.Contains(t, notices[0].What, "pages of 2 groups although 50 were asked for")
}

// listAnswer is an answer with these groups.
func listAnswer(page, size, total, pages int64, ids ...string) string {
	rows := make([]string, 0, len(ids))
	for _, id := range ids {
		rows = append(rows, fmt.Sprintf(`{"chatId":%q,"chatName":"n","tasks":[],"calendars":[],"tagGroupNames":[]}`, id))
	}
	return fmt.Sprintf(`{"code":0,"message":"success","data":{"totalCount":%d,"totalPage":%d,"pageNo":%d,"pageSize":%d,"result":[%s]}}`,
		total, pages, page, size, strings.Join(rows, ","))
}

// Configured days of creation narrow every request, within what the pass is frozen
// to, and belong to the scope.
func TestDaysOfCreation(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid", func(o *Options) { o.CreatedFrom, o.CreatedUntil = "2026-01-31", "2026-02-01" })
	spec := c.Specs()[0]
	require.JSONEq(t, `{"created_from":"2026-01-31 00:00:00","created_until":"2026-02-01 23:59:59"}`, string(spec.Scope))
	var p groupsParams
	require.NoError(t, json.Unmarshal(spec.Subjects[0].Params, &p))
	day := func(text string) time.Time {
		at, err := time.Parse(time.RFC3339, text)
		require.NoError(t, err)
		return at
	}
	for name, tc := range map[string]struct {
		bounds      model.Bounds
		from, until string
	}{
		"the pass began later": {
			model.Bounds{Until: day("2026-11-20T09:00:00+08:00")}, "2026-01-30 23:59:59", "2026-02-02 00:00:00",
		},
		"the pass began within": {
			model.Bounds{Until: day("2026-02-01T09:00:00+08:00")}, "2026-01-30 23:59:59", "2026-02-01 09:00:01",
		},
		"a bound of its own": {
			model.Bounds{After: day("2026-01-31T12:00:00+08:00")}, "2026-01-31 11:59:59", "2026-02-02 00:00:00",
		},
	} {
		got := c.ask(p, tc.bounds, position{Page: 1, Size: 50})
		require.Equal(t, tc.from, got.StartCreateTime, name)
		require.Equal(t, tc.until, got.EndCreateTime, name)
	}
	for _, bad := range [][2]string{{"yesterday", ""}, {"", "2026-02-30"}, {"2026-02-02", "2026-02-01"}} {
		_, err := New(Options{
			Source: "acme", BaseURL: "https://vendor", AppID: testApp, AppKey: testKey, CreatedFrom: bad[0], CreatedUntil: bad[1],
		})
		require.ErrorContains(t, err, "created_")
	}
}
