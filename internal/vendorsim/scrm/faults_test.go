package scrm

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func arm(t *testing.T, c *client, texts ...string) {
	t.Helper()
	for _, text := range texts {
		require.NoError(t, c.sim.Arm(text))
	}
}

// struck is how often each armed fault has struck.
func struck(c *client) []int {
	var n []int
	for _, a := range c.sim.Armed() {
		n = append(n, a.Struck)
	}
	return n
}

// Every fault of the catalogue is in the package comment, works without
// parameters, and changes the answer at every endpoint that it names.
func TestEveryFaultStrikes(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	elsewhere := []string{"drop", "cut", "stall", "slow", "huge", "time-passes"} // tested on their own
	short := map[string]string{onGroups: EndpointGroups, onUsers: EndpointUsers}
	for _, info := range Faults() {
		require.Regexp(t, `[ ,]`+info.Name+`[ ,\n]`, string(doc))
		require.NotEmpty(t, info.Does)
		require.NoError(t, ParseFault(info.Name))
		if slices.Contains(elsewhere, info.Name) {
			continue
		}
		for _, on := range info.On {
			c := newClient(t, Options{Groups: 80, Employees: 40})
			arm(t, c, info.Name+":on="+on)
			body := `{"pageNo":2,"pageSize":20}`
			before := newClient(t, Options{Groups: 80, Employees: 40}).record(short[on], body)
			after := c.record(short[on], body)
			require.NotEqual(t, before.Body.String(), after.Body.String(), info.Name)
			require.Equal(t, []int{1}, struck(c))
		}
	}
	for _, p := range FaultWhen() {
		require.Regexp(t, `//\s+(\w+, )*`+p.Name+`(, \w+)*\s`, string(doc))
	}
}

func TestParseFaultSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		"scew":                         {`no fault "scew"`, "bad-sign, bad-time, skew"},
		"skew:by=x,as=left,on=web":     {`by is "x"`, `as is "left"`, `no endpoint "web"`},
		"page-ignored:says=1,at=x":     {`says is "1"`, `at is "x"`},
		"unreadable:as=x,row=-1,no=17": {`as is "x"`, `row is "-1"`, `no parameter "no"`},
		"size-clamped:to=0":            {`to is "0"`},
	} {
		err := ParseFault(text)
		for _, want := range wants {
			require.ErrorContains(t, err, want, text)
		}
	}
}

func TestFaultsOfTheCredential(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "bad-sign:at=1", "bad-time:at=2", "code:at=3,code=-5", "code:at=4,data=absent", "code:at=5,data=rows")
	checkRefused(t, c.groups(`{}`), codeBadSign)
	checkRefused(t, c.groups(`{}`), codeBadTime)
	checkRefused(t, c.groups(`{}`), -5)
	body := c.raw(EndpointGroups, `{}`)
	require.NotContains(t, string(body), "data")
	checkRefused(t, c.parse(body), 50001)
	got := c.groups(`{}`)
	require.Equal(t, 50001, got.Code)
	require.Len(t, got.Data.Result, 10)
	c.good(c.groups(`{}`))
	require.Equal(t, []int{1, 1, 1, 1, 1}, struck(c))
}

func TestSkewedVendor(t *testing.T) {
	t.Parallel()
	for text, off := range map[string]time.Duration{"skew": 10 * time.Minute, "skew:as=behind,by=1h": -time.Hour} {
		c := newClient(t, Options{})
		arm(t, c, text)
		w := c.record(EndpointGroups, `{}`)
		checkRefused(t, c.parse(w.Body.Bytes()), codeBadTime)
		date, err := http.ParseTime(w.Header().Get("Date"))
		require.NoError(t, err)
		require.Equal(t, off, date.Sub(defaultStart))
		c.now = func() time.Time { return date } // the client corrects its clock
		c.good(c.groups(`{}`))
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "wrong-key:key=new")
	checkRefused(t, c.groups(`{}`), codeBadSign)
	checkRefused(t, c.users(`{}`), codeBadSign)
	good, err := New(Options{AppKey: "new"})
	require.NoError(t, err)
	sign := good.Signature(strconv.FormatInt(defaultStart.UnixMilli(), 10), []byte(`{}`))
	c.header = map[string]string{"appKey": "new", "sign": sign}
	c.good(c.groups(`{}`))
	c.sim.Disarm()
	checkRefused(t, c.groups(`{}`), codeBadSign)
}

func TestFaultsOfPages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 45})
	truth := c.truth()
	page := func(fault string, no int) data {
		c.sim.Disarm()
		arm(t, c, fault)
		return c.good(c.groups(fmt.Sprintf(`{"pageSize":10,"pageNo":%d}`, no)))
	}
	d := page("size-clamped:to=4", 2)
	require.Equal(t, []int{45, 12, 2, 4}, []int{d.TotalCount, d.TotalPage, d.PageNo, d.PageSize})
	require.Equal(t, truth[4:8], ids(d.Result))

	d = page("page-ignored", 3)
	require.Equal(t, 1, d.PageNo)
	require.Equal(t, truth[:10], ids(d.Result))
	d = page("page-ignored:says=asked", 3)
	require.Equal(t, 3, d.PageNo)
	require.Equal(t, truth[:10], ids(d.Result))

	d = page("total-shrinks:by=20", 2)
	require.Equal(t, []int{25, 3, 2}, []int{d.TotalCount, d.TotalPage, d.PageNo})
	require.Equal(t, truth[10:20], ids(d.Result))
	require.Equal(t, 45, page("total-shrinks:by=20", 1).TotalCount, "the head is left alone")

	require.Equal(t, truth[7:17], ids(page("rows-repeated", 2).Result))
	require.Equal(t, truth[12:22], ids(page("rows-skipped:rows=2", 2).Result))
	require.Equal(t, truth[42:], ids(page("rows-skipped:rows=2", 5).Result))
	require.Equal(t, truth[:10], ids(page("rows-skipped", 1).Result))
	require.Empty(t, page("rows-skipped:rows=100", 5).Result)
}

func TestFaultsOfOneEmployee(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	staff := c.sim.Employees(c.sim.Moment())
	arm(t, c, fmt.Sprintf("code:user=%d,page=head", staff[0].ID))
	one := func(id int64, no int) int { return c.groups(fmt.Sprintf(`{"userId":%d,"pageNo":%d}`, id, no)).Code }
	require.Equal(t, []int{50001, 0, 0}, []int{one(staff[0].ID, 1), one(staff[0].ID, 2), one(staff[1].ID, 1)})
	require.Zero(t, c.groups(`{}`).Code)
}

func TestFaultsOfRows(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 60})
	plain := c.good(c.groups(`{"pageSize":60}`)).Result
	raw := func(fault string) (string, []map[string]json.RawMessage) {
		c.sim.Disarm()
		arm(t, c, fault)
		body := c.raw(EndpointGroups, `{"pageSize":60}`)
		var a struct {
			Data struct {
				Result []json.RawMessage `json:"result"`
			} `json:"data"`
		}
		require.NoError(t, json.Unmarshal(body, &a), "%s", body)
		var rows []map[string]json.RawMessage
		for _, r := range a.Data.Result {
			var row map[string]json.RawMessage
			_ = json.Unmarshal(r, &row) // nil for what is no object
			rows = append(rows, row)
		}
		return string(body), rows
	}
	_, rows := raw("rows-doubled")
	require.Len(t, rows, 120)
	require.Equal(t, rows[6], rows[7])

	body, rows := raw("other-ids")
	require.NotContains(t, body, `"salesId":"`)
	require.NotRegexp(t, `"creatorId":\d`, body)
	require.Equal(t, plain[0].SalesID, string(rows[0]["salesId"]))

	for as, want := range map[string]string{"null": "null", "absent": ""} {
		_, rows = raw("null-arrays:as=" + as)
		for _, name := range []string{"tasks", "calendars", "tagGroupNames"} {
			require.Equal(t, want, string(rows[3][name]))
		}
	}
	body, _ = raw("no-data")
	require.Equal(t, `{"code":0,"data":null,"message":"success"}`, body)
	body, _ = raw("no-data:as=absent")
	require.Equal(t, `{"code":0,"message":"success"}`, body)
	for as, want := range map[string]string{"empty": `"result":[],`, "null": `"result":null,`} {
		body, rows = raw("no-rows:as=" + as)
		require.Contains(t, body, want)
		require.Contains(t, body, `"totalCount":60`)
		require.Empty(t, rows)
	}
	body, _ = raw("no-rows:as=absent")
	require.NotContains(t, body, "result")

	_, rows = raw("unknown-fields")
	require.JSONEq(t, "false", string(rows[0]["muted"]))
	body, _ = raw("quoted-numbers")
	require.Contains(t, body, `"totalCount":"60"`)
}

func TestUnreadableRowsAndTasks(t *testing.T) {
	t.Parallel()
	const unreadable = `{"unexpected":true}`
	c := newClient(t, Options{Groups: 60})
	list := func(fault string) []json.RawMessage {
		c.sim.Disarm()
		arm(t, c, fault)
		var a struct {
			Data struct {
				Result []json.RawMessage `json:"result"`
			} `json:"data"`
		}
		require.NoError(t, json.Unmarshal(c.raw(EndpointGroups, `{"pageSize":60}`), &a))
		return a.Data.Result
	}
	member := func(row json.RawMessage, name string) string {
		var o map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(row, &o))
		return string(o[name])
	}
	plain := list("slow:at=1000")
	got := list("unreadable:row=2")
	require.Len(t, got, 61)
	require.Equal(t, "[17]", string(got[2]))
	require.Equal(t, plain[2], got[3])
	require.Empty(t, member(list("unreadable:as=nameless")[0], "chatId"))
	got = list("unreadable:as=lost,row=1")
	require.Equal(t, unreadable, member(got[1], "chatId"))
	require.Len(t, got, 60)
	got = list("unreadable:as=kept,row=1")
	require.Equal(t, member(plain[1], "chatId"), member(got[1], "chatId"))
	require.Equal(t, unreadable, member(got[1], "createTimeGroup"))
	require.Equal(t, plain, list("unreadable:as=kept,row=60"))

	i := slices.IndexFunc(plain, func(row json.RawMessage) bool { return strings.Contains(string(row), "sopInfoId") })
	tasks := func(fault string) []json.RawMessage {
		var of []json.RawMessage
		require.NoError(t, json.Unmarshal([]byte(member(list(fault)[i], "tasks")), &of))
		return of
	}
	before := tasks("slow:at=1000")
	after := tasks("unreadable-task")
	require.Len(t, after, len(before)+1)
	require.Equal(t, "[17]", string(after[0]))
	require.Empty(t, member(tasks("unreadable-task:as=nameless")[0], "id"))
	require.Equal(t, unreadable, member(tasks("unreadable-task:as=lost")[0], "id"))
	after = tasks("unreadable-task:as=kept")
	require.Equal(t, unreadable, member(after[0], "startTime"))
	require.Equal(t, member(before[0], "id"), member(after[0], "id"))
}

func TestBadTexts(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "bad-text:at=1", "bad-text:at=2,text=bare-nul", "bad-text:at=3,text=surrogate", "bad-text:at=4,text=utf8")
	for i, begin := range []string{`\u0000`, "\x00", `\ud83d`, "\xff\xfe"} {
		body := c.raw(EndpointGroups, `{}`)
		for _, name := range []string{"chatName", "salesName", "departmentName", "title"} {
			require.Contains(t, string(body), `"`+name+`":"`+begin)
		}
		require.Equal(t, i != 1, json.Valid(body))
	}
}

func TestFaultsThatChangeTheTenant(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 40})
	before := c.truth()
	arm(t, c, "inserted:groups=2,at=1", "deleted:groups=3,row=4,at=2", "time-passes:by=48h,at=4")
	c.all(EndpointGroups, "", 15)
	require.Equal(t, []int{1, 1, 0}, struck(c))
	truth := c.truth()
	require.Len(t, truth, 39)
	require.Equal(t, append(append([]string{}, before[:2]...), before[5:]...), truth[2:])
	require.Equal(t, 5, c.sim.Moment().Changes)
	require.Equal(t, defaultStart, c.sim.Now())
	c.groups(`{}`)
	require.Equal(t, 48*time.Hour, c.sim.Now().Sub(defaultStart))
	c.sim.Disarm()
	arm(t, c, "deleted:row=1000,page=any")
	c.groups(`{}`)
	require.Equal(t, []int{1}, struck(c))
	require.Equal(t, 5, c.sim.Moment().Changes)
}

func TestFaultsOfTheNetwork(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	server := httptest.NewServer(c.sim)
	t.Cleanup(server.Close)
	arm(t, c, "drop:at=1", "cut:at=2,after=5", "cut:at=3,after=5,as=whole", "gateway:at=4", "gateway:at=5,status=503,body=json,retry-after=7",
		"limited:at=6,retry-after=3")
	send := func() (int, []byte, error) {
		return fetch(t, server.URL, c.request(http.MethodPost, EndpointGroups, `{}`), `{}`)
	}
	_, _, err := send()
	require.ErrorIs(t, err, io.EOF)
	_, body, err := send()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Len(t, body, 5)
	_, body, err = send()
	require.NoError(t, err)
	require.Len(t, body, 5)
	status, body, err := send()
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, string(body), "<html>")
	w := c.record(EndpointGroups, `{}`)
	require.Equal(t, []any{503, "7"}, []any{w.Code, w.Header().Get("Retry-After")})
	w = c.record(EndpointGroups, `{}`)
	require.Equal(t, []any{429, "3"}, []any{w.Code, w.Header().Get("Retry-After")})
	checkRefused(t, c.parse(w.Body.Bytes()), codeTooOften)
	c.good(c.groups(`{}`))
	require.Equal(t, []int{1, 1, 1, 1, 1, 1}, struck(c))
	require.Equal(t, 6, c.sim.Calls()[EndpointGroups].Scripted)
}

func TestStallLastsUntilTheClientGoes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "stall:after=9")
	server := httptest.NewServer(c.sim)
	from := c.request(http.MethodPost, EndpointGroups, `{}`)
	r, err := http.NewRequestWithContext(t.Context(), from.Method, server.URL+from.URL.Path, strings.NewReader(`{}`))
	require.NoError(t, err)
	r.Header = from.Header
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	some := make([]byte, 9)
	_, err = io.ReadFull(response.Body, some)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	server.Close() // waits for the handler
}

func TestSlowEndsWithTheClient(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "slow:delay=100h")
	r := c.request(http.MethodPost, EndpointGroups, `{}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	c.sim.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
	require.Equal(t, 1, c.sim.Calls()[EndpointGroups].Calls)
	require.Empty(t, c.sim.Calls()[EndpointGroups].Codes)
	require.Equal(t, []int{1}, struck(c))
}

func TestHugeBodies(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "huge:at=1,bytes=100000", "huge:at=2,bytes=3000000,as=gzip")
	plain := c.raw(EndpointGroups, `{}`)
	require.Greater(t, len(plain), 100_000)
	require.True(t, json.Valid(plain))
	r, err := gzip.NewReader(bytes.NewReader(c.raw(EndpointGroups, `{}`)))
	require.NoError(t, err)
	unpacked, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Greater(t, len(unpacked), 3_000_000)
	require.True(t, json.Valid(unpacked))
}
