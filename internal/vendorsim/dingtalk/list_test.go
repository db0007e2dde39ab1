package dingtalk

import (
	"encoding/json"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func dsl(order string, conditions ...string) string {
	text := `{"queryGroupList":[{"logicType":"AND","queryObjectList":[` + strings.Join(conditions, ",") + `]}]`
	if len(conditions) == 0 {
		text = `{"queryGroupList":[]`
	}
	if order != "" {
		text += `,"orderByFields":[{"orderByFieldId":"gmtCreate","orderByDirection":"` + order + `"}]`
	}
	return text + "}"
}

func where(filter, field, value string) string {
	return `{"filterType":"` + filter + `","fieldId":"` + field + `","value":` + value + `}`
}

func quoted(n int64) string { return strconv.Quote(strconv.FormatInt(n, 10)) }

func TestListHoldsTheTruth(t *testing.T) {
	t.Parallel()
	for _, offsets := range []bool{false, true} {
		c := newClient(t, Options{Chats: 250, Offsets: offsets})
		c.advance(20*24*time.Hour + time.Minute)
		c.login()
		for _, relationType := range []string{RelationCustomer, RelationPersonal} {
			want := c.truth(relationType)
			for _, order := range []string{"", "ASC", "DESC"} {
				v := values("relationType", relationType, "maxResults", "17")
				if order != "" {
					v.Set("queryDsl", dsl(order))
				}
				pages, ended := c.pages(EndpointChats, v)
				require.True(t, ended)
				got := flat(pages)
				switch order {
				case "":
					require.ElementsMatch(t, want, got)
					require.NotEqual(t, want, got)
				case "ASC":
					require.Equal(t, want, got)
				case "DESC":
					slices.Reverse(got)
					require.Equal(t, want, got)
				}
				for _, page := range pages[:len(pages)-1] {
					require.Len(t, page, 17)
				}
				require.Equal(t, len(want), c.do(EndpointChats, v, "").TotalCount)
			}
		}
	}
}

func TestRowsAreTheTruth(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 80})
	withSet := 0
	for _, r := range c.chats().ResultList {
		truth, ok := c.sim.Chat(r.ChatID, c.sim.Now())
		require.True(t, ok)
		require.Equal(t, []any{truth.OwnerID, truth.OwnerName, truth.Name, truth.Members}, []any{r.OwnerID, r.OwnerName, r.Name, r.Members})
		require.InDelta(t, truth.CreatedAt.UnixMilli(), r.Created, 0)
		require.Empty(t, r.IconURL)
		if r.SetID == nil {
			require.Empty(t, truth.SetID)
		} else {
			require.Equal(t, truth.SetID, *r.SetID)
			withSet++
		}
		one := c.chat(r.ChatID)
		require.NotEmpty(t, one.IconURL)
		one.IconURL = ""
		require.Equal(t, r, one.row)
		c.now = c.now.Add(time.Second)
	}
	require.Positive(t, withSet)
}

// The list stays whole while groups appear and vanish, but for offsets.
func TestCursorsWhileTheTenantChanges(t *testing.T) {
	t.Parallel()
	for _, offsets := range []bool{false, true} {
		c := newClient(t, Options{Chats: 1500, Offsets: offsets, TokenTTL: 7 * 24 * time.Hour})
		throughout := c.truth(RelationCustomer)
		seen := map[string]bool{}
		v := values("relationType", RelationCustomer, "maxResults", "20", "queryDsl", dsl("ASC"))
		for {
			got := c.do(EndpointChats, v, "")
			require.Equal(t, 200, got.Status)
			for _, r := range got.ResultList {
				seen[r.ChatID] = true
			}
			if !got.HasMore {
				break
			}
			v.Set("nextToken", *got.NextToken)
			c.advance(time.Hour)
		}
		still := c.truth(RelationCustomer)
		missed := 0
		for _, id := range throughout {
			if !seen[id] && slices.Contains(still, id) {
				missed++
			}
		}
		require.Equal(t, offsets, missed > 0, missed)
	}
}

func TestCursorIsBoundToItsParams(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300, CursorTTL: time.Hour})
	v := values("relationType", RelationCustomer, "maxResults", "10", "queryDsl", dsl("ASC"))
	next := *c.do(EndpointChats, v, "").NextToken
	ask := func(pairs ...string) answer {
		w := url.Values{"nextToken": {next}}
		for k := range v {
			w.Set(k, v.Get(k))
		}
		for i := 0; i < len(pairs); i += 2 {
			w.Set(pairs[i], pairs[i+1])
		}
		return c.do(EndpointChats, w, "")
	}
	require.Equal(t, 200, ask().Status)
	require.Equal(t, 200, ask().Status, "it can be sent again")
	checkRefused(t, ask("relationType", RelationPersonal), 400, codeParameter)
	checkRefused(t, ask("maxResults", "11"), 400, codeParameter)
	checkRefused(t, ask("queryDsl", dsl("DESC")), 400, codeParameter)
	checkRefused(t, ask("queryDsl", dsl("ASC")+" "), 400, codeParameter)
	checkRefused(t, ask("nextToken", "x"+next), 400, codeParameter)
	checkRefused(t, ask("nextToken", strings.ToLower(next)), 400, codeParameter)
	w := values("relationType", RelationCustomer, "maxResults", "10", "nextToken", next, "queryDsl", dsl("ASC"))
	checkRefused(t, c.do(EndpointSets, w, ""), 400, codeParameter)
	c.advance(time.Hour)
	require.Equal(t, 200, ask().Status)
	c.advance(time.Second)
	checkRefused(t, ask(), 400, codeParameter)
}

// Cursors and ids hold what has to be escaped in a URL.
func TestTextsNeedEscaping(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 900})
	var ids, cursors strings.Builder
	for _, id := range c.truth(RelationCustomer) {
		ids.WriteString(id)
	}
	v := values("relationType", RelationCustomer, "maxResults", "30")
	for got := c.do(EndpointChats, v, ""); got.HasMore; got = c.do(EndpointChats, v, "") {
		cursors.WriteString(*got.NextToken)
		v.Set("nextToken", *got.NextToken)
		c.now = c.now.Add(time.Second)
	}
	for _, mark := range []string{"+", "/", "="} {
		require.Contains(t, ids.String(), mark)
		require.Contains(t, cursors.String(), mark)
	}
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for _, pairs := range [][]string{
		{"maxResults", "0"},
		{"maxResults", "101"},
		{"maxResults", "-"},
		{"maxResults", "ten"},
		{"relationType", "-"},
		{"relationType", "crm"},
		{"pageSize", "10"},
		{"nextToken", "50"},
	} {
		checkRefused(t, c.chats(pairs...), 400, codeParameter)
	}
	twice := url.Values{"relationType": {RelationCustomer, RelationCustomer}, "maxResults": {"1"}}
	checkRefused(t, c.do(EndpointChats, twice, ""), 400, codeParameter)
}

func TestQueryDSL(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300})
	all := slices.DeleteFunc(slices.Collect(c.sim.Chats(c.sim.Now())), func(chat Chat) bool { return chat.RelationType != RelationCustomer })
	middle := all[len(all)/2]
	mid, low := middle.CreatedAt.UnixMilli(), all[20].CreatedAt.UnixMilli()
	for name, test := range map[string]struct {
		conditions []string
		holds      func(Chat) bool
	}{
		"search": {[]string{where("SEARCH", "name", `"售后"`)}, func(c Chat) bool { return strings.Contains(c.Name, "售后") }},
		"name":   {[]string{where("EQ", "name", strconv.Quote(middle.Name))}, func(c Chat) bool { return c.Name == middle.Name }},
		"owner":  {[]string{where("EQ", "ownerUserId", strconv.Quote(middle.OwnerID))}, func(c Chat) bool { return c.OwnerID == middle.OwnerID }},
		"before": {[]string{where("LT", "gmtCreate", quoted(mid))}, func(c Chat) bool { return c.CreatedAt.UnixMilli() < mid }},
		"after":  {[]string{where("GT", "gmtCreate", quoted(mid))}, func(c Chat) bool { return c.CreatedAt.UnixMilli() > mid }},
		"at":     {[]string{where("EQ", "gmtCreate", quoted(mid))}, func(c Chat) bool { return c.CreatedAt.UnixMilli() == mid }},
		"between": {
			[]string{where("BETWEEN", "gmtCreate", "["+quoted(low)+","+quoted(mid)+"]")},
			func(c Chat) bool { return low <= c.CreatedAt.UnixMilli() && c.CreatedAt.UnixMilli() <= mid },
		},
		"all of them": {
			[]string{where("GT", "gmtCreate", quoted(low)), where("LT", "gmtCreate", quoted(mid)), where("SEARCH", "name", `"群"`)},
			func(c Chat) bool {
				return low < c.CreatedAt.UnixMilli() && c.CreatedAt.UnixMilli() < mid && strings.Contains(c.Name, "群")
			},
		},
	} {
		var want []string
		for _, chat := range all {
			if test.holds(chat) {
				want = append(want, chat.ID)
			}
		}
		require.NotEmpty(t, want, name)
		pages, _ := c.pages(EndpointChats, values("relationType", RelationCustomer, "maxResults", "100", "queryDsl", dsl("ASC", test.conditions...)))
		require.Equal(t, want, flat(pages), name)
	}
}

func TestBetweenOpen(t *testing.T) {
	t.Parallel()
	for open, want := range map[bool]int{false: 3, true: 1} {
		c := newClient(t, Options{Chats: 30, BetweenOpen: open})
		all := c.chats("queryDsl", dsl("ASC")).ResultList
		begin, end := int64(all[4].Created.(float64)), int64(all[6].Created.(float64))
		got := c.chats("queryDsl", dsl("", where("BETWEEN", "gmtCreate", "["+quoted(begin)+","+quoted(end)+"]")))
		require.Len(t, got.ResultList, want)
	}
}

func TestQueryDSLRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	one := where("SEARCH", "name", `"x"`)
	for text, code := range map[string]string{
		dsl("", where("GTE", "gmtCreate", `"1"`)):           codeFilter,
		dsl("", where("SEARCH", "gmtCreate", `"1"`)):        codeFilter,
		dsl("", where("BETWEEN", "name", `["a","b"]`)):      codeFilter,
		dsl("", where("LT", "ownerUserId", `"1"`)):          codeFilter,
		dsl("", where("SEARCH", "ownerUserId", `"1"`)):      codeFilter,
		dsl("", where("EQ", "ownerUserId", `"nobody"`)):     codeUser,
		dsl("", where("EQ", "memberCount", `"1"`)):          codeParameter,
		dsl("", where("LT", "gmtCreate", `1640239655539`)):  codeParameter,
		dsl("", where("LT", "gmtCreate", `"-1"`)):           codeParameter,
		dsl("", where("LT", "gmtCreate", `"+1"`)):           codeParameter,
		dsl("", where("LT", "gmtCreate", `"2026-01-01"`)):   codeParameter,
		dsl("", where("BETWEEN", "gmtCreate", `"1"`)):       codeParameter,
		dsl("", where("BETWEEN", "gmtCreate", `["1"]`)):     codeParameter,
		dsl("", where("BETWEEN", "gmtCreate", `["2","1"]`)): codeParameter,
		dsl("", `{"filterType":"EQ","value":"x"}`):          codeParameter,
		dsl("UP"): codeParameter,
		strings.Replace(dsl("ASC"), "gmtCreate", "name", 1):        codeParameter,
		strings.Replace(dsl("", one), "AND", "OR", 1):              codeParameter,
		strings.Replace(dsl("", one), `"logicType":"AND",`, "", 1): codeParameter,
		`{"queryGroupList":[` + `{"logicType":"AND","queryObjectList":[` + one + `]},{"logicType":"AND","queryObjectList":[` + one + `]}]}`: codeParameter,
		`{"queryGroupList":[{"logicType":"AND","queryObjectList":[]}]}`:                                                                     codeParameter,
		`{"query":[]}`: codeParameter,
		`[]`:           codeParameter,
		`x`:            codeParameter,
	} {
		got := c.chats("queryDsl", text)
		require.Equal(t, code, got.Code, text)
		c.now = c.now.Add(time.Second)
	}
}

// The vendor's own samples are understood, and answered in their shape.
func TestSamples(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/crm_group_chats.query_dsl.json")
	require.NoError(t, err)
	c := newClient(t, Options{})
	require.Equal(t, 200, c.chats("queryDsl", string(text)).Status)

	keys := func(body []byte) (names []string) {
		var o map[string]json.RawMessage
		require.NoError(t, json.Unmarshal(body, &o))
		for name := range o {
			names = append(names, name)
		}
		return names
	}
	sample, err := os.ReadFile("testdata/crm_group_chats.response.json")
	require.NoError(t, err)
	body := c.recorded(EndpointChats, values("relationType", RelationCustomer, "maxResults", "50"), "").Body.Bytes()
	require.ElementsMatch(t, keys(sample), keys(body))
	rowOf := func(body []byte, n int) []byte {
		var list struct{ ResultList []json.RawMessage }
		require.NoError(t, json.Unmarshal(body, &list))
		return list.ResultList[n]
	}
	want := keys(rowOf(sample, 0))
	n := slices.IndexFunc(c.chats().ResultList, func(r row) bool { return r.SetID != nil })
	require.ElementsMatch(t, want, keys(rowOf(body, n)))

	sample, err = os.ReadFile("testdata/robot_group_messages_query.response.json")
	require.NoError(t, err)
	c.advance(6 * time.Hour)
	c.login()
	for _, m := range c.sim.Messages(c.sim.Now()) {
		state, _ := c.sim.Message(m.Key, c.sim.Now())
		if state.Ready && !state.Expired && len(state.Readers) > 2 {
			body = c.recorded(EndpointReads, nil, `{"processQueryKey":"`+m.Key+`","openConversationId":"`+m.ChatID+`","robotCode":"`+m.RobotCode+`","maxResults":1}`).Body.Bytes()
			require.ElementsMatch(t, keys(sample), keys(body))
			return
		}
	}
	require.Fail(t, "no message was read")
}

func TestBatch(t *testing.T) {
	t.Parallel()
	batch := func(c *client, ids ...string) answer {
		body, err := json.Marshal(map[string]any{"openConversationIds": ids})
		require.NoError(t, err)
		return c.do(EndpointBatch, nil, string(body))
	}
	for _, skips := range []bool{false, true} {
		c := newClient(t, Options{Chats: 100, BatchSkips: skips, BatchMax: 5})
		ids := c.truth(RelationPersonal)
		got := batch(c, ids[:5]...)
		require.Len(t, got.Result, 5)
		require.Equal(t, ids[2], got.Result[2].ChatID)
		checkRefused(t, batch(c, ids[:6]...), 400, codeParameter)
		checkRefused(t, batch(c), 400, codeParameter)
		checkRefused(t, c.do(EndpointBatch, nil, `{"ids":[]}`), 400, codeParameter)
		got = batch(c, ids[0], "cidnone==", ids[1])
		if skips {
			require.Len(t, got.Result, 2)
		} else {
			checkRefused(t, got, 400, codeChat)
		}
	}
}

func TestSingleReadRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 400})
	id := c.truth(RelationCustomer)[0]
	for _, other := range c.truth(RelationCustomer) {
		if strings.Contains(other, "+") {
			id = other
		}
	}
	require.Equal(t, 200, c.chat(id).Status)
	checkRefused(t, c.chat(strings.ReplaceAll(id, "+", " ")), 400, codeChat) // as an unescaped + arrives
	checkRefused(t, c.chat(c.sim.tenant.chatID(1<<30)), 400, codeChat)
	checkRefused(t, c.chat(""), 400, codeParameter)
	checkRefused(t, c.do(EndpointChat, values("openConversationId", id), "{}"), 400, codeParameter)
	checkRefused(t, c.do(EndpointChat, nil, `{"openConversationId":"`+id+`"}`), 400, codeParameter)
}

func TestDissolvedGroups(t *testing.T) {
	t.Parallel()
	for rule, want := range map[DissolvedRule]struct{ listed, readable bool }{
		DissolvedUnknown: {false, false}, DissolvedReadable: {false, true}, DissolvedListed: {true, true},
	} {
		c := newClient(t, Options{Chats: 100, Dissolved: rule})
		before := c.truth(RelationCustomer)
		c.advance(30 * 24 * time.Hour)
		c.login()
		after := c.truth(RelationCustomer)
		listed := flat([][]row{c.chats().ResultList})
		gone := slices.DeleteFunc(before, func(id string) bool { return slices.Contains(after, id) })
		require.NotEmpty(t, gone)
		for _, id := range gone {
			require.Equal(t, want.listed, slices.Contains(listed, id))
			if want.readable {
				require.Equal(t, 200, c.chat(id).Status)
			} else {
				checkRefused(t, c.chat(id), 400, codeChat)
			}
			c.now = c.now.Add(time.Second)
		}
	}
}

func TestListLag(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 100, ListLag: 10 * time.Minute})
	at := c.sim.tenant.chats.When(100)
	id := c.sim.tenant.chatID(100)
	c.advance(time.Unix(at, 0).Add(10*time.Minute - 2*time.Second).Sub(c.sim.Now()))
	checkLater := func(status int) {
		t.Helper()
		c.login()
		require.Equal(t, status, c.chat(id).Status)
		_, there := c.sim.Chat(id, c.sim.Now())
		require.Equal(t, status == 200, there)
	}
	checkLater(400)
	c.advance(2 * time.Second)
	checkLater(200)
}

func TestSets(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300, Sets: 40})
	c.advance(40 * 24 * time.Hour)
	c.login()
	for _, relationType := range []string{RelationCustomer, RelationPersonal} {
		pages, ended := c.pages(EndpointSets, values("relationType", relationType, "queryDsl", dsl("ASC")))
		require.True(t, ended)
		for _, page := range pages[:len(pages)-1] {
			require.Len(t, page, setsPageMax)
		}
		got := slices.Concat(pages...)
		var want []Set
		for _, set := range c.sim.Sets(c.sim.Now()) {
			if set.RelationType == relationType {
				want = append(want, set)
			}
		}
		slices.SortStableFunc(want, func(a, b Set) int { return a.CreatedAt.Compare(b.CreatedAt) })
		require.Len(t, got, len(want))
		for i, set := range want {
			r := got[i]
			require.Equal(t, set.ID, *r.SetID)
			require.Equal(t, []any{set.Name, set.Owner.ID, set.MemberCount, set.ChatCount, set.LastChatID, relationType},
				[]any{r.Name, r.OwnerID, r.Members, r.Chats, r.Last, r.Relation})
			require.Equal(t, set.CreatedAt.UTC().Format("2006-01-02T15:04Z"), r.Created)
			require.False(t, set.ModifiedAt.Before(set.CreatedAt))
			require.Len(t, set.Managers, len(strings.FieldsFunc(r.Managers, func(c rune) bool { return c == ',' })))
			chats, members := 0, 0
			for chat := range c.sim.Chats(c.sim.Now()) {
				if chat.SetID == set.ID {
					require.Equal(t, relationType, chat.RelationType)
					chats, members = chats+1, members+chat.Members
				}
			}
			require.Equal(t, []int{chats, members}, []int{set.ChatCount, set.MemberCount})
		}
	}
	id := c.sim.Sets(c.sim.Now())[0].ID
	one := c.do(EndpointSet, values("openGroupSetId", id), "")
	require.NotEmpty(t, one.Invite)
	require.Equal(t, id, *one.SetID)
	checkRefused(t, c.do(EndpointSet, values("openGroupSetId", "0"+id[1:]), ""), 400, codeParameter)
	checkRefused(t, c.do(EndpointSets, values("relationType", RelationCustomer, "maxResults", "11"), ""), 400, codeParameter)
	c = newClient(t, Options{Sets: -1})
	require.Empty(t, c.do(EndpointSets, values("relationType", RelationCustomer), "").ResultList)
}
