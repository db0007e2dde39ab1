package scrm

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for _, body := range []string{
		``, `[]`, `{`, `{"pageno":1}`, `{"pageNo":1,"pageNo":2}`, `{"ownerId":1}`,
		`{"pageNo":0}`, `{"pageNo":-1}`, `{"pageNo":"1"}`, `{"pageNo":1.5}`,
		`{"pageSize":0}`, `{"pageSize":-10}`, `{"pageSize":101}`, `{"pageSize":"10"}`,
		`{"userId":"451653062381760"}`, `{"userId":1e30}`, `{"keyword":7}`, `{"tagGroupIds":["1"]}`, `{"tagGroupIds":1}`,
		`{"conditionOp":2}`, `{"conditionOp":"0"}`,
		`{"startCreateTime":"2026-11-01"}`, `{"startCreateTime":1}`, `{"startCreateTime":"2026-11-01T09:00:00"}`,
		`{"endCreateTime":"2026-11-01 9:00:00"}`, `{"endCreateTime":"2026-02-30 09:00:00"}`, `{"endCreateTime":"2026-11-01 09:00"}`,
	} {
		checkRefused(t, c.groups(body), codeInvalid)
	}
	for _, body := range []string{``, `{"pageNo":0}`, `{"pageSize":101}`, `{"deleted":2}`, `{"deleted":true}`, `{"userId":1}`} {
		checkRefused(t, c.users(body), codeInvalid)
	}
	c = newClient(t, Options{UserRequired: true})
	checkRefused(t, c.groups(`{}`), codeInvalid)
	c.good(c.groups(`{"userId":1}`))
}

func TestPageSizeIsClamped(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{PageSizeMax: 30, ClampPageSize: true})
	d := c.good(c.groups(`{"pageSize":1000}`))
	require.Equal(t, 30, d.PageSize)
	require.Len(t, d.Result, 30)
	require.Equal(t, 7, d.TotalPage)
}

func TestDefaultsAndEnds(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 25})
	d := c.good(c.groups(`{}`))
	require.Equal(t, []int{25, 3, 1, 10}, []int{d.TotalCount, d.TotalPage, d.PageNo, d.PageSize})
	require.Len(t, d.Result, 10)
	require.Len(t, c.good(c.groups(`{"pageNo":3}`)).Result, 5)
	for _, no := range []string{"4", "9223372036854775807"} {
		d = c.good(c.groups(`{"pageNo":` + no + `}`))
		require.Empty(t, d.Result)
		require.Equal(t, 25, d.TotalCount)
		require.Contains(t, string(c.raw(EndpointGroups, `{"pageNo":`+no+`}`)), `"pageNo":`+no+`,"pageSize":10,"result":[]`)
	}
	c = newClient(t, Options{Groups: 25, LastBeyond: true})
	d = c.good(c.groups(`{"pageNo":9}`))
	require.Equal(t, 3, d.PageNo)
	require.Equal(t, c.truth()[20:], ids(d.Result))
	require.Equal(t, 1, c.good(c.groups(`{"pageNo":9,"keyword":"nobody's"}`)).PageNo)
	for pages, o := range []Options{{}, {EmptyIsOnePage: true}} {
		d = c.good(newClient(t, o).groups(`{"keyword":"nobody's"}`))
		require.Equal(t, []int{0, pages, 1}, []int{d.TotalCount, d.TotalPage, d.PageNo})
		require.NotNil(t, d.Result)
	}
}

// Whatever the page size, filter and order, the pages together are the truth.
func TestPagesTogetherAreTheTruth(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClient(t, Options{
			Seed:   rapid.Uint64().Draw(t, "seed"),
			Groups: rapid.IntRange(1, 60).Draw(t, "groups"),
			Order:  Order(rapid.IntRange(0, 2).Draw(t, "order")),
		})
		c.advance(time.Duration(rapid.IntRange(0, 200).Draw(t, "hours")) * time.Hour)
		rows := c.all(EndpointGroups, "", rapid.IntRange(1, 70).Draw(t, "size"))
		require.Equal(t, c.truth(), append([]string{}, ids(rows)...))
	})
}

func TestRowsTellTheTruth(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 120})
	c.advance(100 * time.Hour)
	rows := c.all(EndpointGroups, "", 50)
	i, tasks := 0, 0
	for g := range c.sim.Groups(c.sim.Moment()) {
		want := row{
			SalesID: strconv.FormatInt(g.SalesID, 10), SalesName: g.SalesName, DepartmentName: g.DepartmentName,
			ChatID: g.ChatID, ChatName: g.ChatName, CreateTime: g.CreatedAt.Format("2006-01-02 15:04:05"),
			Tasks: []taskRow{}, Calendars: []json.RawMessage{}, TagGroupNames: []json.RawMessage{},
		}
		for _, k := range g.Tasks {
			tasks++
			want.Tasks = append(want.Tasks, taskRow{
				k.ID, k.SopInfoID, k.Title, g.ChatID, k.ChatName, int(k.SendStatus), int(k.Mode), k.CreatorID,
				k.StartTime.Format("2006-01-02 15:04"),
			})
		}
		for _, tag := range g.Tags {
			want.TagGroupNames = append(want.TagGroupNames, json.RawMessage(`"`+tag.Name+`"`))
		}
		for _, cal := range g.Calendars {
			want.Calendars = append(want.Calendars, fmt.Appendf(nil, `{"id":%d,"name":%q}`, cal.ID, cal.Name))
		}
		require.Equal(t, want, rows[i])
		got, found := c.sim.Group(g.ChatID, c.sim.Moment())
		require.True(t, found)
		require.Equal(t, g, got)
		i++
	}
	require.Len(t, rows, i)
	n := 0
	for range c.sim.Tasks(c.sim.Moment()) {
		n++
	}
	require.Equal(t, tasks, n)
	require.Positive(t, tasks)
	_, found := c.sim.Group("wrNobody", c.sim.Moment())
	require.False(t, found)
}

// shapeOf is an object's members in order, each with the kinds of value it has.
func shapeOf(t *testing.T, text []byte, into map[string]map[string]bool) {
	t.Helper()
	var walk func(path string, v any)
	walk = func(path string, v any) {
		kinds := into[path]
		if kinds == nil {
			kinds = map[string]bool{}
			into[path] = kinds
		}
		switch v := v.(type) {
		case map[string]any:
			kinds["object of "+strings.Join(slices.Sorted(maps.Keys(v)), " ")] = true
			for name, member := range v {
				walk(path+"."+name, member)
			}
		case []any:
			kinds["array"] = true
			for _, element := range v {
				walk(path+"[]", element)
			}
		default:
			kinds[fmt.Sprintf("%T", v)] = true
		}
	}
	var v any
	require.NoError(t, json.Unmarshal(text, &v))
	walk("", v)
}

// Every member of the vendor's sample is in our answers, of the same kind, and no
// other.
func TestAnswersHaveTheShapeOfTheSample(t *testing.T) {
	t.Parallel()
	sample, err := os.ReadFile("testdata/sample.json")
	require.NoError(t, err)
	want, got := map[string]map[string]bool{}, map[string]map[string]bool{}
	shapeOf(t, sample, want)
	c := newClient(t, Options{Tags: ElementsNone, Calendars: ElementsNone})
	shapeOf(t, c.raw(EndpointGroups, `{"pageSize":100}`), got)
	require.Equal(t, want, got)

	// The order of members is the sample's, too.
	order := func(text []byte, from string) []string {
		var names []string
		_, rest, _ := bytes.Cut(text, []byte(from))
		for part := range bytes.SplitSeq(rest, []byte(`"`)) {
			if s := string(part); slices.Contains([]string{
				"id", "sopInfoId", "title", "chatId", "chatName", "owner", "ownerName", "sendStatus", "creatorId", "mode",
				"startTime", "ownerId", "sendStatusDetail", "startTimeExport", "qwSalesId",
			}, s) {
				names = append(names, s)
			}
		}
		return names[:15]
	}
	require.Equal(t, order(sample, `"tasks": [`), order(c.raw(EndpointGroups, `{"pageSize":100}`), `"tasks":[{`))
}

func TestElementsOfArrays(t *testing.T) {
	t.Parallel()
	for shape, wants := range map[Elements][2]string{
		ElementsUsual:   {`"tagGroupNames":["`, `"calendars":[{"id":5`},
		ElementsStrings: {`"tagGroupNames":["`, `"calendars":["`},
		ElementsObjects: {`"tagGroupNames":[{"id":3`, `"calendars":[{"id":5`},
	} {
		c := newClient(t, Options{Tags: shape, Calendars: shape})
		body := string(c.raw(EndpointGroups, `{"pageSize":100}`))
		require.Contains(t, body, wants[0])
		require.Contains(t, body, wants[1])
	}
}

// filtered compares a filtered list with the truth.
func filtered(t *testing.T, c *client, filter string, wants func(Group) bool) int {
	t.Helper()
	want := []string{}
	for g := range c.sim.Groups(c.sim.Moment()) {
		if wants(g) {
			want = append(want, g.ChatID)
		}
	}
	require.Equal(t, want, ids(c.all(EndpointGroups, filter, 7)), filter)
	return len(want)
}

func TestFilters(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 300})
	c.advance(240 * time.Hour)
	var one Group
	for g := range c.sim.Groups(c.sim.Moment()) {
		if g.Named && len(g.Tags) > 1 {
			one = g
			break
		}
	}
	n := filtered(t, c, fmt.Sprintf(`"userId":%d`, one.SalesID), func(g Group) bool { return g.SalesID == one.SalesID })
	require.Positive(t, n)
	require.Zero(t, filtered(t, c, `"userId":451653062381760`, func(Group) bool { return false }))
	n = filtered(t, c, `"keyword":"群"`, func(g Group) bool { return strings.Contains(g.ChatName, "群") })
	require.Positive(t, n)
	a, b := one.Tags[0], one.Tags[1]
	both := func(g Group) bool { return slices.Contains(g.Tags, a) && slices.Contains(g.Tags, b) }
	either := func(g Group) bool { return slices.Contains(g.Tags, a) || slices.Contains(g.Tags, b) }
	tags := fmt.Sprintf(`"tagGroupIds":[%d,%d]`, a.ID, b.ID)
	all, most := filtered(t, c, tags, both), filtered(t, c, tags+`,"conditionOp":1`, either)
	require.Positive(t, all)
	require.Less(t, all, most)
	filtered(t, c, tags+`,"conditionOp":0`, both)
	filtered(t, c, `"tagGroupIds":null,"keyword":"","userId":null`, func(Group) bool { return true })
	filtered(t, c, tags+fmt.Sprintf(`,"userId":%d`, one.SalesID), func(g Group) bool { return both(g) && g.SalesID == one.SalesID })

	swapped := newClient(t, Options{Groups: 300, ZeroIsAny: true})
	swapped.advance(240 * time.Hour)
	filtered(t, swapped, tags, either)
	filtered(t, swapped, tags+`,"conditionOp":1`, both)

	exact := newClient(t, Options{Groups: 300, KeywordExact: true})
	exact.advance(240 * time.Hour)
	require.Zero(t, filtered(t, exact, `"keyword":"群"`, func(Group) bool { return false }))
	n = filtered(t, exact, `"keyword":"`+one.ChatName+`"`, func(g Group) bool { return g.ChatName == one.ChatName })
	require.Positive(t, n)

	id, err := TagID(a.Name)
	require.NoError(t, err)
	require.Equal(t, a.ID, id)
	_, err = TagID("no such tag")
	require.Error(t, err)
}

func TestCreationWindow(t *testing.T) {
	t.Parallel()
	for rule, in := range map[BoundsRule][2]bool{
		BoundsInclusive: {true, true}, BoundsHalfOpen: {true, false}, BoundsExclusive: {false, false},
	} {
		c := newClient(t, Options{Groups: 100, Bounds: rule})
		list := slices.Collect(c.sim.Groups(c.sim.Moment()))
		oldest, newest := list[60].CreatedAt, list[20].CreatedAt
		window := fmt.Sprintf(`"startCreateTime":%q,"endCreateTime":%q`, oldest.Format(timeLayout), newest.Format(timeLayout))
		n := filtered(t, c, window, func(g Group) bool {
			switch {
			case g.CreatedAt.Equal(oldest):
				return in[0]
			case g.CreatedAt.Equal(newest):
				return in[1]
			}
			return g.CreatedAt.After(oldest) && g.CreatedAt.Before(newest)
		})
		require.Positive(t, n)
		filtered(t, c, `"endCreateTime":"`+newest.Add(time.Second).Format(timeLayout)+`"`,
			func(g Group) bool {
				return !g.CreatedAt.After(newest) || rule == BoundsInclusive && g.CreatedAt.Equal(newest.Add(time.Second))
			})
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	for order, ordered := range map[Order]func(a, b Group) bool{
		OrderNewestFirst: func(a, b Group) bool { return !a.CreatedAt.Before(b.CreatedAt) },
		OrderOldestFirst: func(a, b Group) bool { return !a.CreatedAt.After(b.CreatedAt) },
		OrderByChatID:    func(a, b Group) bool { return a.ChatID < b.ChatID },
	} {
		c := newClient(t, Options{Order: order})
		c.insert(Insertion{})
		list := slices.Collect(c.sim.Groups(c.sim.Moment()))
		require.Len(t, list, 201)
		for i := range list[1:] {
			require.True(t, ordered(list[i], list[i+1]), order)
		}
	}
}

func TestEmployees(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Employees: 40})
	c.advance(2400 * time.Hour)
	staff := c.sim.Employees(c.sim.Moment())
	sum := c.sim.Totals(c.sim.Moment())
	require.Equal(t, len(staff), sum.Employees+sum.Deleted)
	require.Greater(t, len(staff), 40)
	for deleted, count := range []int{sum.Employees, sum.Deleted} {
		require.Positive(t, count)
		rows := c.all(EndpointUsers, fmt.Sprintf(`"deleted":%d`, deleted), 7)
		require.Len(t, rows, count)
		i := 0
		for _, e := range staff {
			require.Greater(t, e.ID, int64(1)<<31)
			require.Less(t, e.ID, int64(1)<<53)
			if e.Deleted == (deleted == 1) {
				require.Equal(t, row{
					SalesID: strconv.FormatInt(e.ID, 10), Name: e.Name, DepartmentName: e.DepartmentName, Deleted: deleted,
				}, rows[i])
				i++
			}
		}
	}
	require.NotEmpty(t, c.good(c.users(`{"pageNo":1,"pageSize":20,"deleted":0,"name":"`+staff[0].Name+`"}`)).Result)
}

// Whatever is sent, signed well, is answered or refused as documented.
func FuzzRequests(f *testing.F) {
	for _, seed := range []string{
		`{}`, ``, `null`, `{"pageNo":1,"pageSize":10}`, `{"pageNo":9223372036854775807,"pageSize":100}`, `{"userId":451653062381760}`,
		`{"keyword":"\ud800"}`, `{"tagGroupIds":[3001,null],"conditionOp":1}`, `{"startCreateTime":"0000-01-01 00:00:00"}`,
		`{"endCreateTime":"9999-12-31 23:59:59","deleted":0,"name":"x"}`, "\xff",
	} {
		f.Add(seed, true)
		f.Add(seed, false)
	}
	c := newClient(f, Options{Groups: 30})
	c.insert(Insertion{})
	f.Fuzz(func(t *testing.T, body string, groups bool) {
		endpoint, total := EndpointUsers, c.sim.Totals(c.sim.Moment()).Employees
		if groups {
			endpoint, total = EndpointGroups, 31
		}
		w := c.record(endpoint, body)
		require.Equal(t, http.StatusOK, w.Code)
		var a answer
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &a), "%s", w.Body)
		if a.Code != codeOK {
			checkRefused(t, a, codeInvalid)
			return
		}
		require.NotNil(t, a.Data)
		require.GreaterOrEqual(t, a.Data.PageNo, 1)
		require.LessOrEqual(t, len(a.Data.Result), a.Data.PageSize)
		require.LessOrEqual(t, len(a.Data.Result), a.Data.TotalCount)
		if !strings.Contains(body, "deleted") {
			require.LessOrEqual(t, a.Data.TotalCount, total)
		}
	})
}
