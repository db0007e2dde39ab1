package dingtalk

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
)

func (c *client) struck() (n []int) {
	for _, a := range c.sim.Armed() {
		n = append(n, a.Struck)
	}
	return n
}

// Every fault of the catalogue is in the package comment, and works with no
// parameters at every endpoint it names.
func TestCatalogueOfFaults(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("doc.go")
	require.NoError(t, err)
	for _, info := range Faults() {
		require.Contains(t, string(doc), info.Name)
		require.NotEmpty(t, info.Does)
		f, err := ParseFault(info.Name)
		require.NoError(t, err)
		require.Equal(t, info.Name, f.String())
		require.Len(t, f.Endpoints(), len(info.On))
	}
	for _, p := range FaultWhen() {
		require.Regexp(t, `//\s+(\w+, )*`+p.Name+`(, \w+)*\s`, string(doc))
	}
}

// Whatever a fault may be armed at, it strikes there.
func TestEveryFaultStrikes(t *testing.T) {
	t.Parallel()
	for _, info := range Faults() {
		if info.Name == "stall" || info.Name == "slow" || info.Name == "huge" {
			continue // they have tests of their own
		}
		for _, e := range catalogue.Endpoints {
			text := info.Name + ":page=any,on=" + e.Short
			if _, err := ParseFault(text); err != nil {
				require.ErrorContains(t, err, "it does nothing at "+e.Short)
				require.NotContains(t, info.On, e.Short)
				continue
			}
			c := newClient(t, Options{Chats: 10, Odd: false})
			good := callEndpoint(c, e.Name)
			c.now = c.now.Add(time.Second)
			c.arm(text)
			bent := callEndpoint(c, e.Name)
			require.Equal(t, []int{1}, c.struck(), text)
			if !changesNothingHere(info.Name, e.Short) {
				require.NotEqual(t, good, bent, text)
			}
		}
	}
}

// changesNothingHere holds for faults of a head page that has nothing to repeat, and
// where there is no such thing in the answer.
func changesNothingHere(name, on string) bool {
	switch name {
	case "cursor-repeated", "rows-repeated", "rows-skipped", "oversized-page", "time-passes":
		return true
	case "quoted-numbers":
		return on == onReads
	}
	return false
}

// callEndpoint makes a good call and returns status and body, without what differs
// from call to call.
func callEndpoint(c *client, endpoint string) string {
	m := readable(c, 1)
	var w *httptest.ResponseRecorder
	defer func() { _ = recover() }() // of a broken connection
	query, body := values(), ""
	switch endpoint {
	case EndpointToken:
		body = `{"appKey":"` + DefaultAppKey + `","appSecret":"` + DefaultAppSecret + `"}`
	case EndpointCorpToken:
		body = `{"suiteKey":"` + DefaultSuiteKey + `","suiteSecret":"` + DefaultSuiteSecret + `","authCorpId":"` + DefaultCorpID + `","suiteTicket":"x"}`
	case EndpointChats:
		query = values("relationType", RelationCustomer, "maxResults", "3")
	case EndpointSets:
		query = values("relationType", RelationCustomer, "maxResults", "1")
	case EndpointChat:
		query = values("openConversationId", m.ChatID)
	case EndpointBatch:
		body = `{"openConversationIds":["` + m.ChatID + `"]}`
	case EndpointSet:
		query = values("openGroupSetId", c.sim.Sets(c.sim.Now())[0].ID)
	case EndpointReads:
		body = `{"processQueryKey":"` + m.Key + `","openConversationId":"` + m.ChatID + `","robotCode":"` + m.RobotCode + `"}`
	}
	w = c.recorded(endpoint, query, body)
	return http.StatusText(w.Code) + varying.ReplaceAllString(w.Body.String(), "")
}

var varying = regexp.MustCompile(`,"nextToken":""|"requestid":"[^"]+"|(?:"accessToken":")([0-9a-f]{32}")`)

func TestFaultsOfTheCredential(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.arm("token-expired:on=chats,at=1", "wrong-secret:at=2", "permission-denied:on=chats+reads,from=3", "ip-not-listed:on=sets")
	checkRefused(t, c.chats(), 400, codeAuthentication)
	c.login()
	require.Equal(t, 200, c.chats().Status)
	checkRefused(t, c.do(EndpointToken, nil, `{"appKey":"`+DefaultAppKey+`","appSecret":"`+DefaultAppSecret+`"}`), 400, codeWrongSecret)
	got := c.chats()
	checkRefused(t, got, 403, codeScope)
	require.JSONEq(t, `{"requiredScopes":["Crm.CustomerGroup.Read"]}`, string(got.AccessRaw))
	checkRefused(t, c.do(EndpointSets, nil, ""), 403, "Forbidden.AccessDenied.IpNotInWhiteList")
}

func TestFaultsOfTheLimits(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.arm("qps:on=chats,at=1,of=api", "qpm:on=chats,at=20,of=suite", "qps:on=sets")
	checkRefused(t, c.chats(), 403, "Forbidden.AccessDenied.QpsLimitForApi")
	refused := 1
	for c.chats().Status == 403 { // each takes 100 ms
		refused++
	}
	require.InDelta(t, 10, refused, 1)
	for c.sim.Armed()[0].Calls < 19 {
		require.Equal(t, 200, c.chats().Status)
	}
	checkRefused(t, c.chats(), 403, "Forbidden.AccessDenied.QpmLimitForSuitekeyAndOrgAndApi")
	c.now = c.now.Add(59 * time.Second)
	require.Equal(t, 403, c.chats().Status)
	c.now = c.now.Add(time.Second)
	require.Equal(t, 200, c.chats().Status)
	checkRefused(t, c.do(EndpointSets, nil, ""), 403, codeQPS)
}

func TestMonthSpent(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{TokenTTL: 7 * 24 * time.Hour})
	c.arm("month-spent:at=3,left=2")
	for range 4 {
		require.Equal(t, 200, c.chats().Status)
	}
	checkRefused(t, c.chats(), 403, codeMonth)
	require.Equal(t, 5000, c.sim.MonthlyCalls())
	c.advance(30 * 24 * time.Hour)
	c.login()
	require.Equal(t, 200, c.chats().Status)
}

func TestBans(t *testing.T) {
	t.Parallel()
	for shape, want := range map[string]string{"html": "<!DOCTYPE html>", "punish": `"punish":"deny"`, "status": `"status":1111`} {
		c := newClient(t, Options{})
		c.arm("ip-ban:on=chats,at=1,for=90s,as=" + shape)
		w := c.recorded(EndpointChats, nil, "")
		require.Contains(t, w.Body.String(), want)
		require.Equal(t, shape != "html", json.Valid(w.Body.Bytes()))
		require.Contains(t, c.recorded(EndpointToken, nil, "").Body.String(), want, "the whole host")
		c.now = c.now.Add(90 * time.Second)
		require.Equal(t, 200, c.chats().Status)
	}
}

func TestServerErrors(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.arm("unavailable:on=chats,at=1", "system-error:on=chats,at=2", "system-error:on=chats,at=3,code=unknownError",
		"throttled:on=chats,at=4,code=request.overlimit", "refused:on=chats,at=5,code=bot.stopped", "refused:on=chats,at=6,code=x,status=401")
	for _, want := range []struct {
		status int
		code   string
	}{
		{503, "ServiceUnavailable"},
		{500, codeSystem},
		{500, "unknownError"},
		{400, "request.overlimit"},
		{400, "bot.stopped"},
		{401, "x"},
	} {
		checkRefused(t, c.chats(), want.status, want.code)
	}
	require.Equal(t, 200, c.chats().Status)
	require.Equal(t, 6, c.sim.Calls()[EndpointChats].Scripted)
}

func TestFaultsOfTheList(t *testing.T) {
	t.Parallel()
	list := func(texts ...string) ([][]row, bool) {
		c := newClient(t, Options{Chats: 66, Limits: Limits{PerSecond: -1}})
		c.arm(texts...)
		return c.pages(EndpointChats, values("relationType", RelationCustomer, "maxResults", "10"))
	}
	pages, ended := list()
	all := flat(pages)
	require.True(t, ended)
	require.GreaterOrEqual(t, len(pages), 4)
	for text, check := range map[string]func(pages [][]row, ended bool){
		"cursor-repeated": func(pages [][]row, ended bool) {
			require.False(t, ended)
			require.Equal(t, pages[1], pages[29])
		},
		"cursor-repeated:back=2": func(pages [][]row, ended bool) {
			require.False(t, ended)
			require.Equal(t, pages[1], pages[3])
			require.Equal(t, pages[2], pages[4])
		},
		"empty-pages:every=2": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Empty(t, pages[1])
			require.Equal(t, all, flat(pages))
		},
		"empty-pages": func(pages [][]row, ended bool) {
			require.False(t, ended)
			require.Empty(t, flat(pages))
		},
		"rows-repeated:rows=2": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Equal(t, pages[0][8:], pages[1][:2])
			got := flat(pages)
			require.Greater(t, len(got), len(all))
			slices.Sort(got)
			require.Len(t, slices.Compact(got), len(all))
		},
		"rows-skipped:at=1": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Equal(t, slices.Concat(all[:10], all[13:]), flat(pages))
		},
		"oversized-page:at=1": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Len(t, pages[0], 30)
			require.Equal(t, all, flat(pages))
		},
		"no-rows:at=2": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Equal(t, all[:10], flat(pages))
		},
		"rows-doubled": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Len(t, flat(pages), 2*len(all))
		},
		"no-list:at=2": func(pages [][]row, ended bool) {
			require.True(t, ended)
			require.Equal(t, slices.Concat(all[:10], all[20:]), flat(pages))
		},
	} {
		pages, ended := list(text)
		check(pages, ended)
	}
}

func TestUnlistedGroupsAgreeWithTheTotal(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 200, Limits: Limits{PerSecond: -1}})
	ids := c.truth(RelationCustomer)
	v := values("relationType", RelationCustomer, "maxResults", "20", "queryDsl", dsl("ASC"))
	for text, most := range map[string]int{"unlisted:group=" + ids[9]: 1, "unlisted": len(ids) / 2, "unlisted:share=100": len(ids)} {
		c.arm(text)
		pages, ended := c.pages(EndpointChats, v)
		require.True(t, ended)
		got := flat(pages)
		require.Equal(t, len(got), c.chats().TotalCount)
		missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return slices.Contains(got, id) })
		require.NotEmpty(t, missing)
		require.LessOrEqual(t, len(missing), most)
		require.Equal(t, 200, c.chat(missing[0]).Status)
		c.sim.Disarm()
	}
}

func TestFaultsOfCursors(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 100})
	next := *c.chats("maxResults", "10").NextToken
	c.arm("cursor-dead:times=1", "no-cursor:at=3", "no-cursor:at=4,as=absent", "wrong-total:at=5,by=-4", "cursor-dead:on=reads,page=any")
	total := c.chats("maxResults", "10").TotalCount
	checkRefused(t, c.chats("maxResults", "10", "nextToken", next), 400, codeParameter)
	got := c.chats("maxResults", "10", "nextToken", next)
	require.True(t, got.HasMore)
	require.Empty(t, *got.NextToken)
	got = c.chats("maxResults", "10")
	require.True(t, got.HasMore)
	require.Nil(t, got.NextToken)
	require.Equal(t, total-4, c.chats("maxResults", "10").TotalCount)
	checkRefused(t, c.reads(Message{}, ""), 400, codeReadsCursor)
}

func TestUnreadableRows(t *testing.T) {
	t.Parallel()
	raw := func(text string) []map[string]json.RawMessage {
		c := newClient(t, Options{Chats: 40})
		c.arm(text)
		var list struct{ ResultList []json.RawMessage }
		body := c.recorded(EndpointChats, values("relationType", RelationCustomer, "maxResults", "5"), "").Body.Bytes()
		require.NoError(t, json.Unmarshal(body, &list))
		rows := make([]map[string]json.RawMessage, len(list.ResultList))
		for i, r := range list.ResultList {
			_ = json.Unmarshal(r, &rows[i]) // a stranger is none
		}
		return rows
	}
	require.Nil(t, raw("unreadable:row=2")[2])
	require.Len(t, raw("unreadable"), 6)
	require.Nil(t, raw("unreadable:as=nameless")[0]["openConversationId"])
	require.JSONEq(t, `{"unexpected":true}`, string(raw("unreadable:as=lost,row=4")[4]["openConversationId"]))
	kept := raw("unreadable:as=kept")[0]
	require.Contains(t, string(kept["openConversationId"]), "cid")
	require.JSONEq(t, `{"unexpected":true}`, string(kept["memberCount"]))
}

func TestFaultsOfTheBody(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 20})
	c.arm("bad-text:at=1,text=utf8", "bad-text:at=2", "unknown-fields:on=chats,at=3", "quoted-numbers:on=chats,at=4", "huge:at=5,bytes=100000")
	body := func() string {
		return c.recorded(EndpointChats, values("relationType", RelationCustomer, "maxResults", "5"), "").Body.String()
	}
	require.False(t, utf8.ValidString(body()))
	require.Contains(t, body(), `"name":"\u0000`)
	require.Contains(t, body(), `"corp_full_name"`)
	require.Regexp(t, `"memberCount":"\d+"`, body())
	huge := body()
	require.Greater(t, len(huge), 100_000)
	require.True(t, json.Valid([]byte(huge)))
}

func TestFaultsOfTheNetwork(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.arm("drop:on=set,at=1", "cut:on=set,at=2,after=5", "gateway:on=set,at=3")
	server := httptest.NewServer(c.sim)
	t.Cleanup(server.Close)
	get := func() (int, []byte, error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/v1.0/crm/groupSets", nil)
		require.NoError(t, err)
		request.Close = true
		response, err := server.Client().Do(request)
		if err != nil {
			return 0, nil, err
		}
		defer func() { require.NoError(t, response.Body.Close()) }()
		body, err := io.ReadAll(response.Body)
		return response.StatusCode, body, err
	}
	_, _, err := get()
	require.ErrorIs(t, err, io.EOF)
	_, body, err := get()
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Len(t, body, 5)
	status, body, err := get()
	require.NoError(t, err)
	require.Equal(t, http.StatusBadGateway, status)
	require.Contains(t, string(body), "<html>")
}

func TestFaultsOfOneSubject(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 50})
	m := readable(c, 1)
	ids := c.truth(RelationCustomer)
	c.arm("gone:on=chat+batch,chat="+ids[3], "other-chat:chat="+ids[4], "expire-time:times=1,key="+m.Key, "status:key="+m.Key,
		"system-error:on=chats,type="+RelationPersonal)
	checkRefused(t, c.chat(ids[3]), 400, codeChat)
	checkRefused(t, c.do(EndpointBatch, nil, `{"openConversationIds":["`+ids[1]+`","`+ids[3]+`"]}`), 400, codeChat)
	require.Equal(t, ids[2], c.chat(ids[2]).ChatID)
	require.NotEqual(t, ids[4], c.chat(ids[4]).ChatID)
	checkRefused(t, c.reads(m, ""), 400, codeKeyTime)
	require.Equal(t, StatusRecalled, c.reads(m, "").SendStatus)
	require.Equal(t, 200, c.chats().Status)
	require.Equal(t, 500, c.chats("relationType", RelationPersonal).Status)
}

func TestTimePasses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.arm("time-passes:on=chats,by=3h")
	checkRefused(t, c.chats(), 400, codeAuthentication)
	require.Equal(t, c.sim.opt.Start.Add(3*time.Hour), c.sim.Now())
}

func TestParseFaultSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		"busy":                         {`no fault "busy"`, "token-expired, wrong-secret"},
		"qps:of=me,on=reads+web":       {`of is "me", want one of app, api, suite`, `no endpoint "web"`},
		"cursor-dead:on=chat":          {"it does nothing at chat"},
		"gone:type=crm":                {`type is "crm"`},
		"month-spent:left=-1,page=all": {`left is "-1"`, `page is "all"`},
	} {
		_, err := ParseFault(text)
		for _, want := range wants {
			require.ErrorContains(t, err, want, text)
		}
	}
	require.True(t, strings.HasPrefix(Faults()[0].Name, "token"))
}
