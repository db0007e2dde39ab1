package wecom

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// The two questions of owner_stats that most tests ask.
var (
	oneDay = statQuestion{stream: streamOwnerStats, StatCall: model.StatCall{
		By: model.StatByOwner, Owners: []string{"li.lei", "han.mei", "teacher.zhang"},
		From: parsed("2024-06-09"), To: parsed("2024-06-09"),
	}}
	oneMonth = statQuestion{stream: streamOwnerStats, StatCall: model.StatCall{
		By: model.StatByDay, Owners: []string{"li.lei"}, From: parsed("2024-05-12"), To: parsed("2024-06-10"),
	}}
)

func parsed(text string) model.Day {
	d, err := model.ParseDay(text)
	if err != nil {
		panic(err)
	}
	return d
}

func statChain(q statQuestion) model.Chain {
	return model.Chain{Source: "acme", Stream: q.stream, Subject: "s", Params: model.StatParams(q.StatCall)}
}

// TestStatRequests compares what goes over the wire with the vendor's own sample.
func TestStatRequests(t *testing.T) {
	t.Parallel()
	var got []string
	v := &vendor{answer: func(n int32, _ string, r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		got = append(got, string(body))
		if r.Method != http.MethodPost || n > 3 {
			return failure(40058)
		}
		file := []string{"sample_by_owner", "by_owner_first", "by_day"}[n-1]
		answer, _ := os.ReadFile("testdata/stats/" + file + ".json")
		return string(answer)
	}}
	c := serve(t, v)
	asked := questionOf(t, "testdata/stats/sample_not_asked.ask")
	page, err := c.Page(t.Context(), statChain(asked), "")
	require.NoError(t, err)
	require.Len(t, page.PeriodStats, 1)
	require.Equal(t, 1, page.Calls)
	require.False(t, page.RequestedAt.IsZero())
	require.JSONEq(t, sample(t, "statistic_request.json"), got[0])

	page, err = c.Page(t.Context(), statChain(oneDay), "")
	require.NoError(t, err)
	require.Equal(t, "2", page.Next)
	require.EqualValues(t, 3, *page.Total)
	midnight := time.Date(2024, 6, 9, 0, 0, 0, 0, time.FixedZone("", 8*60*60)).Unix()
	require.JSONEq(t, fmt.Sprintf(`{"day_begin_time":%d,"day_end_time":%[1]d,"order_by":2,"order_asc":0,"offset":0,"limit":1000,
		"owner_filter":{"userid_list":["li.lei","han.mei","teacher.zhang"]}}`, midnight), got[1])

	page, err = c.Page(t.Context(), statChain(oneMonth), "")
	require.NoError(t, err)
	require.True(t, page.Last)
	require.JSONEq(t, fmt.Sprintf(`{"day_begin_time":%d,"day_end_time":%d,"owner_filter":{"userid_list":["li.lei"]}}`,
		midnight-28*24*60*60, midnight+24*60*60), got[2])
}

// TestStatPages follows the offsets of a vendor that sends two rows at a time.
func TestStatPages(t *testing.T) {
	t.Parallel()
	rows := []string{"li.lei", "han.mei", "teacher.zhang"}
	v := &vendor{answer: func(_ int32, _ string, r *http.Request) string {
		var asked statPaged
		_ = json.NewDecoder(r.Body).Decode(&asked)
		to := min(asked.Offset+2, 3)
		var items []string
		for _, owner := range rows[asked.Offset:to] {
			items = append(items, fmt.Sprintf(`{"owner":%q,"data":{"msg_total":%d}}`, owner, len(owner)))
		}
		return fmt.Sprintf(`{"errcode":0,"total":3,"next_offset":%d,"items":[%s]}`, to, strings.Join(items, ","))
	}}
	c := serve(t, v)
	got := map[string]int64{}
	cursor := ""
	for range 2 {
		page, err := c.Page(t.Context(), statChain(oneDay), cursor)
		require.NoError(t, err)
		for _, s := range page.OwnerStats {
			require.Equal(t, oneDay.To, s.Day)
			got[s.OwnerID] = *s.Figures.Messages
		}
		require.Equal(t, cursor != "", page.Last)
		cursor = page.Next
	}
	require.Equal(t, map[string]int64{"li.lei": 6, "han.mei": 7, "teacher.zhang": 13}, got)
}

func TestNextOffset(t *testing.T) {
	t.Parallel()
	set := func(n int64) lenient.Int { return lenient.Int{Value: n, Set: true} }
	var absent lenient.Int
	for name, tc := range map[string]struct {
		offset      int64
		rows        int
		total, next lenient.Int
		want        string
	}{
		"more":                                {0, 2, set(3), set(2), "2"},
		"the end":                             {2, 1, set(3), set(3), ""},
		"beyond the end":                      {2, 1, set(3), set(4), ""},
		"nothing at all":                      {0, 0, set(0), set(0), ""},
		"an empty page":                       {2, 0, set(9), set(4), ""},
		"stands still":                        {2, 1, set(9), set(2), ""},
		"goes back":                           {4, 1, set(9), set(2), ""},
		"the vendor's step, not ours":         {0, 2, set(9), set(5), "5"},
		"no next_offset":                      {2, 2, set(9), absent, "4"},
		"no next_offset at the end":           {2, 2, set(4), absent, ""},
		"no total":                            {0, 2, absent, set(2), ""},
		"no total and a full page":            {0, 1000, absent, set(1000), "1000"},
		"neither":                             {0, 3, absent, absent, ""},
		"neither and a full page":             {1000, 1000, absent, absent, "2000"},
		"a negative total":                    {0, 2, set(-1), set(2), ""},
		"an offset that adds up to too much":  {math.MaxInt64, 2, set(math.MaxInt64), absent, ""},
		"one row short of the end of numbers": {0, 1, set(math.MaxInt64), set(math.MaxInt64 - 1), strconv.Itoa(math.MaxInt64 - 1)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, tc.want, nextOffset(tc.offset, tc.rows, tc.total, tc.next))
		})
	}
}

// TestStatCursors: a cursor is what a page gave, or the chain starts over.
func TestStatCursors(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(int32, string, *http.Request) string { return failure(40058) }}
	c := serve(t, v)
	for _, cursor := range []string{"x", "-2", "0", "1.5", "99999999999999999999", " 2"} {
		_, err := c.Page(t.Context(), statChain(oneDay), cursor)
		require.Equal(t, fetch.ClassCursorGone, asError(t, err).Class, cursor)
	}
	require.Zero(t, v.calls.Load())
	_, err := c.Page(t.Context(), statChain(oneDay), "2")
	require.Equal(t, fetch.ClassCursorGone, asError(t, err).Class, "params refused beside an offset")
	_, err = c.Page(t.Context(), statChain(oneDay), "")
	require.Equal(t, fetch.ClassRefused, asError(t, err).Class)
}

// TestUnfitCallsReachNoVendor: whatever would be refused, or worse, mean
// something else.
func TestUnfitCallsReachNoVendor(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(int32, string, *http.Request) string { return failure(600018) }}
	c := serve(t, v)
	for name, change := range map[string]func(*statQuestion){
		"no owner means everybody":   func(q *statQuestion) { q.Owners = nil },
		"too many owners":            func(q *statQuestion) { q.Owners = make([]string, 101) },
		"upside down":                func(q *statQuestion) { q.From = q.To.Add(1) },
		"31 days":                    func(q *statQuestion) { q.stream, q.From = streamPeriodStats, q.To.Add(-30) },
		"no day":                     func(q *statQuestion) { q.From, q.To = model.Day{}, model.Day{} },
		"two days by owner":          func(q *statQuestion) { q.From = q.To.Add(-1) },
		"by day for two owners":      func(q *statQuestion) { q.By = model.StatByDay },
		"daily by owner":             func(q *statQuestion) { q.stream = streamDailyStats },
		"period by day":              func(q *statQuestion) { q.stream, q.By = streamPeriodStats, model.StatByDay },
		"by nothing":                 func(q *statQuestion) { q.By = "" },
		"by something else entirely": func(q *statQuestion) { q.By = "chat" },
	} {
		q := oneDay
		change(&q)
		_, err := c.Page(t.Context(), statChain(q), "")
		require.Equal(t, fetch.ClassUnknown, asError(t, err).Class, name)
	}
	for _, text := range []string{``, `[]`, `{"by":"owner","owners":["a"],"from":"2024-6-9","to":"2024-06-09"}`} {
		_, err := c.Page(t.Context(), model.Chain{Stream: streamOwnerStats, Params: json.RawMessage(text)}, "")
		require.Equal(t, fetch.ClassUnknown, asError(t, err).Class, text)
	}
	require.Zero(t, v.calls.Load())
	edge := oneDay
	edge.stream, edge.From, edge.Owners = streamPeriodStats, edge.To.Add(-29), append(make([]string, 99), "li.lei")
	_, err := c.Page(t.Context(), statChain(edge), "")
	require.Equal(t, fetch.ClassOutside, asError(t, err).Class)
	require.EqualValues(t, 1, v.calls.Load())
}

// TestStatVerdicts: an empty list beside an errcode is no answer.
func TestStatVerdicts(t *testing.T) {
	t.Parallel()
	for code, class := range map[int]fetch.Class{
		600018: fetch.ClassOutside, 40003: fetch.ClassRefused, 60011: fetch.ClassDenied, 60111: fetch.ClassDenied,
		50002: fetch.ClassDenied, 81013: fetch.ClassRefused, 81017: fetch.ClassTooLarge, 48002: fetch.ClassAuth,
	} {
		for endpoint, q := range map[string]statQuestion{endpointStatistic: oneDay, endpointByDay: oneMonth} {
			for _, list := range []string{``, `"items":[],`, `"items":null,`, `"items":[{"owner":"li.lei","stat_time":1717862400,"data":{"msg_total":1}}],`} {
				v := &vendor{answer: func(int32, string, *http.Request) string {
					return strings.Replace(failure(code), "{", "{"+list, 1)
				}}
				c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
				page, err := c.Page(t.Context(), statChain(q), "")
				e := asError(t, err)
				require.Equal(t, class, e.Class, "%d", code)
				require.Equal(t, endpoint, e.Endpoint)
				require.Equal(t, strconv.Itoa(code), e.Code)
				require.Equal(t, model.Page{Calls: 1}, page)
			}
		}
	}
}

// TestOwnersSpeltAlike: an answer in another case is the owner's who was asked
// for, unless that very spelling was asked for too.
func TestOwnersSpeltAlike(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	q := oneDay
	q.Owners = []string{"Li.Lei", "Han.Mei", "han.mei"}
	_, page, err := c.readByOwner([]byte(`{"errcode":0,"items":[
		{"owner":"LI.LEI","data":{"msg_total":1}},{"owner":"han.mei","data":{"msg_total":2}},{"owner":"Li.Lei","data":{"msg_total":3}},
		{"owner":"LI.lei"}]}`), q)
	require.NoError(t, err)
	require.Len(t, page.OwnerStats, 2)
	require.Equal(t, "Li.Lei", page.OwnerStats[0].OwnerID)
	require.EqualValues(t, 3, *page.OwnerStats[0].Figures.Messages)
	require.Nil(t, page.OwnerStats[0].Extra)
	require.Equal(t, "han.mei", page.OwnerStats[1].OwnerID)
	require.Len(t, page.Rejects, 2)
	require.Equal(t, "Li.Lei", page.Rejects[0].ID)
	require.Equal(t, "Li.Lei", page.Rejects[1].ID, "a reject is about the owner who was asked for")
}

// TestFiguresSurvive writes figures as a vendor may and reads them back.
func TestFiguresSurvive(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]int64{}
		var members []string
		for _, name := range figureNames {
			n := rapid.Int64().Draw(t, name)
			switch rapid.IntRange(0, 4).Draw(t, "form of "+name) {
			case 0:
				continue
			case 1:
				members = append(members, fmt.Sprintf(`%q:null`, name))
				continue
			case 2:
				members = append(members, fmt.Sprintf(`%q:"%d"`, name, n))
			default:
				members = append(members, fmt.Sprintf(`%q:%d`, name, n))
			}
			want[name] = n
		}
		body := fmt.Sprintf(`{"errcode":0,"items":[{"owner":"li.lei","data":{%s}}]}`, strings.Join(members, ","))
		_, page, err := c.readByOwner([]byte(body), oneDay)
		require.NoError(t, err)
		if len(want) == 0 {
			require.Empty(t, page.OwnerStats)
			require.Len(t, page.Rejects, 1)
			return
		}
		require.Empty(t, page.Rejects)
		got := map[string]int64{}
		for i, v := range page.OwnerStats[0].Figures.All() {
			if v != nil {
				got[figureNames[i]] = *v
			}
		}
		require.Equal(t, want, got)
		require.Nil(t, page.OwnerStats[0].Extra)
	})
}

// TestZoneIsAnOption: another zone moves both what is asked and what is read.
func TestZoneIsAnOption(t *testing.T) {
	t.Parallel()
	berlin, err := time.LoadLocation("Europe/Berlin")
	require.NoError(t, err)
	q := oneMonth
	q.From, q.To = parsed("2024-03-31"), parsed("2024-03-31") // the clocks change
	var asked statRange
	v := &vendor{answer: func(_ int32, _ string, r *http.Request) string {
		_ = json.NewDecoder(r.Body).Decode(&asked)
		last := time.Date(2024, 3, 31, 23, 59, 59, 0, berlin).Unix()
		return fmt.Sprintf(`{"errcode":0,"items":[{"stat_time":%d,"data":{"msg_total":1}},{"stat_time":%d,"data":{"msg_total":2}}]}`, last, last+1)
	}}
	c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport, o.Zone = v, berlin })
	page, err := c.Page(t.Context(), statChain(q), "")
	require.NoError(t, err)
	require.Equal(t, time.Date(2024, 3, 31, 0, 0, 0, 0, berlin).Unix(), asked.DayBegin)
	require.Equal(t, asked.DayBegin, asked.DayEnd)
	require.Len(t, page.OwnerStats, 1)
	require.Equal(t, q.From, page.OwnerStats[0].Day)
	require.Equal(t, "2024-04-01", page.Rejects[0].ID)
}

// TestHostZoneChangesNothing runs the tests about days again on hosts elsewhere.
func TestHostZoneChangesNothing(t *testing.T) {
	t.Parallel()
	const mark = "WECOM_TEST_HOST_ZONE"
	if os.Getenv(mark) != "" {
		return
	}
	for _, zone := range []string{"America/Los_Angeles", "Asia/Shanghai", "UTC", "Pacific/Kiritimati"} {
		t.Run(zone, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			tests := exec.CommandContext(ctx, os.Args[0], "-test.v", "-test.run=^(TestGoldenStatistics|TestStatRequests|TestZoneIsAnOption|TestHostZone)$")
			tests.Env = append(os.Environ(), "TZ="+zone, mark+"="+zone)
			out, err := tests.CombinedOutput()
			require.NoError(t, err, "%s", out)
			require.Contains(t, string(out), "--- PASS: TestStatRequests")
			require.Contains(t, string(out), "host zone "+zone)
		})
	}
}

// TestHostZone says where the host is, so that the test above can tell that it
// was moved.
func TestHostZone(t *testing.T) {
	t.Parallel()
	zone := os.Getenv("TZ")
	if zone == "" {
		t.Skip("the host has a zone of its own")
	}
	loc, err := time.LoadLocation(zone)
	require.NoError(t, err)
	at := time.Date(2024, 6, 9, 12, 0, 0, 0, time.UTC)
	require.Equal(t, at.In(loc).Format(time.RFC3339), at.Local().Format(time.RFC3339))
	t.Log("host zone " + zone)
}
