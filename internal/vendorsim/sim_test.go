package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestTokenCodes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for name, tc := range map[string]struct {
		corp, secret string
		code         int
	}{
		"no corp":      {"", DefaultSecret, codeNoCorpID},
		"no secret":    {DefaultCorpID, "", codeNoSecret},
		"other corp":   {"wwother", DefaultSecret, codeBadCorpID},
		"wrong secret": {DefaultCorpID, "guess", codeWrongSecret},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, c.gettoken(tc.corp, tc.secret), tc.code)
		})
	}
	t.Run("missing", func(t *testing.T) {
		t.Parallel()
		got := c.parse(c.raw(http.MethodGet, "/cgi-bin/"+EndpointFollowUsers, ""))
		checkRefused(t, got, codeNoToken)
		require.NotNil(t, got.FollowUser, "the list is empty, not absent, beside an error")
	})
	t.Run("in the body", func(t *testing.T) {
		t.Parallel()
		body := fmt.Sprintf(`{"access_token":%q,"limit":1}`, c.token)
		checkRefused(t, c.parse(c.raw(http.MethodPost, "/cgi-bin/"+EndpointChatList, body)), codeNoToken)
	})
	t.Run("garbled", func(t *testing.T) {
		t.Parallel()
		garbled := &client{t: t, sim: c.sim, token: c.token + "x"}
		checkRefused(t, garbled.follow(), codeBadToken)
	})
}

func TestTokenLife(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	first := c.token
	require.Greater(t, len(first), 200)

	c.advance(2*time.Hour - time.Second)
	again := c.gettoken(DefaultCorpID, DefaultSecret)
	require.Equal(t, first, again.AccessToken, "the same token within its life")
	require.Equal(t, 7200, again.ExpiresIn)
	require.Equal(t, 0, c.follow().Errcode)

	c.advance(time.Second)
	checkRefused(t, c.follow(), codeTokenExpired)
	c.login()
	require.NotEqual(t, first, c.token)
	require.Equal(t, 0, c.follow().Errcode)
	old := &client{t: t, sim: c.sim, token: first}
	checkRefused(t, old.follow(), codeTokenExpired)

	c.sim.ExpireTokens(true)
	checkRefused(t, c.follow(), codeBadToken)
	c.login()
	c.sim.ExpireTokens(false)
	checkRefused(t, c.follow(), codeTokenExpired)
}

func TestTokenLivesInRealTimeToo(t *testing.T) {
	t.Parallel()
	now := defaultStart
	c := newClient(t, Options{Now: func() time.Time { return now }})
	now = now.Add(2 * time.Hour)
	checkRefused(t, c.follow(), codeTokenExpired)
	require.Equal(t, defaultStart, c.sim.Now().In(chinaTime), "the tenant's clock stands still")
}

func TestWrongSecretsBan(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{WrongSecrets: 3}})
	for range 3 {
		checkRefused(t, c.gettoken(DefaultCorpID, "guess"), codeWrongSecret)
	}
	checkRefused(t, c.gettoken(DefaultCorpID, "guess"), codeTooOften)
	checkRefused(t, c.gettoken(DefaultCorpID, DefaultSecret), codeTooOften)
	require.Equal(t, 0, c.follow().Errcode, "tokens already issued go on working")
	c.advance(time.Hour)
	c.login()
}

func TestListRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Chats: 500})
	owners := func(n int) string {
		return `["` + strings.Repeat(c.sim.FollowUsers(c.sim.Now())[0]+`","`, n-1) + `nobody"]`
	}
	resigned := c.sim.tenant.staffID(2)
	type refused struct {
		body string
		code int
	}
	check := func(t *testing.T, name string, tc refused, prefix string) {
		t.Helper()
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := c.list(tc.body)
			checkRefused(t, got, tc.code)
			require.Regexp(t, "^"+prefix, got.Errmsg)
			require.NotNil(t, got.Chats, "the list is empty, not absent, beside an error")
			require.Empty(t, got.Chats)
		})
	}
	for name, tc := range map[string]refused{
		"empty body":     {``, codeEmptyParameter},
		"no limit":       {`{}`, codeEmptyParameter},
		"limit null":     {`{"limit":null}`, codeEmptyParameter},
		"limit 0":        {`{"limit":0}`, codeBadRequest},
		"limit 1001":     {`{"limit":1001}`, codeBadRequest},
		"limit below 0":  {`{"limit":-1}`, codeBadRequest},
		"status 4":       {`{"limit":1,"status_filter":4}`, codeBadArgument},
		"101 owners":     {`{"limit":1,"owner_filter":{"userid_list":` + owners(101) + `}}`, codeBadUserList},
		"unknown owner":  {`{"limit":1,"owner_filter":{"userid_list":` + owners(100) + `}}`, codeBadUserID},
		"resigned owner": {`{"limit":1,"owner_filter":{"userid_list":["` + resigned + `"]}}`, codeBadUserID},
		"made-up cursor": {`{"limit":1,"cursor":"made-up"}`, codeBadArgument},
	} {
		check(t, name, tc, "[a-z]")
	}
	for name, body := range map[string]string{
		"form data":           `limit=1`,
		"truncated":           `{"limit":1`,
		"limit as a string":   `{"limit":"1"}`,
		"limit as a fraction": `{"limit":1.5}`,
		"limit as a power":    `{"limit":1e2}`,
		"owners as a string":  `{"limit":1,"owner_filter":{"userid_list":"li.lei"}}`,
		"cursor as a number":  `{"limit":1,"cursor":7}`,
		"field in other case": `{"Limit":1}`,
		"field nobody knows":  `{"limit":1,"owner_filters":{}}`,
		"deprecated offset":   `{"limit":1,"offset":0}`,
		"two objects":         `{"limit":1}{}`,
	} {
		check(t, name, refused{body, codeBadRequest}, "Warning: wrong json format. ")
	}
}

func TestGetRefuses(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	known := c.anyChat()
	for name, tc := range map[string]struct {
		body string
		code int
	}{
		"no chat":            {`{"need_name":1}`, codeEmptyParameter},
		"unknown chat":       {`{"chat_id":"wrTestChat0001"}`, codeNoChat},
		"one letter off":     {`{"chat_id":"` + strings.Replace(known, "AA", "AB", 1) + `"}`, codeNoChat},
		"need_name 2":        {`{"chat_id":"` + known + `","need_name":2}`, codeBadArgument},
		"need_name a bool":   {`{"chat_id":"` + known + `","need_name":true}`, codeBadRequest},
		"chat_id a number":   {`{"chat_id":7}`, codeBadRequest},
		"not JSON":           {`chat_id=` + known, codeBadRequest},
		"not yet born":       {`{"chat_id":"` + c.sim.tenant.chatID(200) + `"}`, codeNoChat},
		"of another tenant":  {`{"chat_id":"` + newSim(t, Options{CorpID: "ww2"}).tenant.chatID(0) + `"}`, codeNoChat},
		"id of wrong length": {`{"chat_id":"` + known + `A"}`, codeNoChat},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			checkRefused(t, c.get(tc.body), tc.code)
		})
	}
}

func TestWrongMethods(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for endpoint, tc := range map[string]struct {
		method string
		code   int
	}{
		EndpointChatGet:     {http.MethodGet, codeNoChat},
		EndpointChatList:    {http.MethodGet, codeBadRequest},
		EndpointFollowUsers: {http.MethodPost, codeBadRequest},
		EndpointToken:       {http.MethodPost, codeBadRequest},
	} {
		checkRefused(t, c.parse(c.raw(tc.method, c.path(endpoint), "")), tc.code)
	}
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/cgi-bin/user/list", nil))
	require.Equal(t, http.StatusNotFound, w.Code)
}

// What the public clients send that differs from the documents' samples.
func TestListAcceptsWhatClientsSend(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 20})
	for _, body := range []string{
		`{"status_filter":0,"owner_filter":{"userid_list":null},"cursor":"","limit":1000}`,
		`{"owner_filter":{"userid_list":[]},"limit":1000}`,
		`{"owner_filter":null,"limit":1000,"cursor":null}`,
		"{\"limit\":1000}\n",
	} {
		require.Len(t, c.list(body).Chats, 20, body)
	}
}

func TestTooManyVisible(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 100, Owners: 30, VisibleMax: 20})
	checkRefused(t, c.list(`{"limit":10}`), codeTooManyPeople)
	filter, err := json.Marshal(c.follow().FollowUser)
	require.NoError(t, err)
	got := c.list(`{"limit":10,"owner_filter":{"userid_list":` + string(filter) + `}}`)
	require.Equal(t, 0, got.Errcode)
	require.Len(t, got.Chats, 10)
}

func TestResignedOwners(t *testing.T) {
	t.Parallel()
	for _, rule := range []ResignedRule{ResignedUnfiltered, ResignedFiltered} {
		c := newClient(t, Options{Seed: 1, Chats: 500, Resigned: rule})
		filter, err := json.Marshal([]string{c.sim.tenant.staffID(2)})
		require.NoError(t, err)
		unfiltered := c.list(`{"limit":1000,"status_filter":1}`)
		filtered := c.list(`{"limit":1000,"status_filter":1,"owner_filter":{"userid_list":` + string(filter) + `}}`)
		if rule == ResignedUnfiltered {
			require.NotEmpty(t, unfiltered.Chats)
			require.Equal(t, codeBadUserID, filtered.Errcode)
		} else {
			require.Empty(t, unfiltered.Chats)
			require.NotEmpty(t, filtered.Chats)
		}
	}
}

func TestCursorIsBoundToItsParams(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 100, CursorTTL: time.Hour})
	cursor := *c.list(`{"limit":10}`).NextCursor
	require.Equal(t, 0, c.list(`{"limit":10,"cursor":"`+cursor+`"}`).Errcode)
	for _, body := range []string{
		`{"limit":11,"cursor":"` + cursor + `"}`,
		`{"limit":10,"status_filter":1,"cursor":"` + cursor + `"}`,
		`{"limit":10,"owner_filter":{"userid_list":["` + c.follow().FollowUser[0] + `"]},"cursor":"` + cursor + `"}`,
		`{"limit":10,"cursor":"` + cursor[:len(cursor)-4] + `"}`,
		`{"limit":10,"cursor":"` + strings.ToLower(cursor) + `"}`,
	} {
		checkRefused(t, c.list(body), codeBadArgument)
	}
	c.advance(time.Hour)
	require.Equal(t, 0, c.list(`{"limit":10,"cursor":"`+cursor+`"}`).Errcode)
	c.advance(time.Second)
	checkRefused(t, c.list(`{"limit":10,"cursor":"`+cursor+`"}`), codeBadArgument)
}

func TestCursorsLookOpaque(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300})
	lengths, seen := map[int]bool{}, ""
	for next := range uint64(300) {
		text := c.sim.tenant.seal(cursor{params: 1, next: next, born: defaultStart})
		lengths[len(text)] = true
		seen += text
	}
	require.Greater(t, len(lengths), 3)
	for _, char := range "-_=" {
		require.Contains(t, seen, string(char))
	}
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{PerMinute: 5, PerHour: 12}})
	spend := func(n int) {
		for range n {
			require.Equal(t, 0, c.follow().Errcode)
		}
	}
	spend(5)
	checkRefused(t, c.follow(), codeTooOften)
	require.Equal(t, 0, c.list(`{"limit":1}`).Errcode, "another endpoint has its own budget")
	c.advance(59 * time.Second)
	checkRefused(t, c.follow(), codeTooOften)
	c.advance(time.Second)
	spend(5)
	c.advance(time.Minute)
	spend(2)
	checkRefused(t, c.follow(), codeTooOften) // the thirteenth within the hour
	c.advance(59 * time.Minute)
	checkRefused(t, c.follow(), codeTooOften)
	c.advance(time.Minute)
	c.login()
	spend(5)

	require.Equal(t, map[int]int{0: 17, codeTooOften: 4}, c.sim.Calls()[EndpointFollowUsers].Codes)
}

func TestBudgetDoesNotCountBadTokens(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{PerMinute: 1}})
	bad := &client{t: t, sim: c.sim, token: "bad"}
	for range 3 {
		checkRefused(t, bad.follow(), codeBadToken)
	}
	require.Equal(t, 0, c.follow().Errcode)
}

func TestNamesOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	id := c.anyChat()
	require.NotContains(t, memberFields(t, c.get(`{"chat_id":"`+id+`"}`)), "name")
	require.NotContains(t, memberFields(t, c.get(`{"chat_id":"`+id+`","need_name":0}`)), "name")
	require.Contains(t, memberFields(t, c.get(`{"chat_id":"`+id+`","need_name":1}`)), "name")
}

func memberFields(t *testing.T, got answer) map[string]any {
	t.Helper()
	var chat struct {
		Members []map[string]any `json:"member_list"`
	}
	require.NoError(t, json.Unmarshal(got.Chat, &chat))
	return chat.Members[0]
}

func TestOptionsOutOfRange(t *testing.T) {
	t.Parallel()
	_, err := New(Options{Chats: -1, Owners: 1, MeanMembers: 600})
	require.ErrorContains(t, err, "chats is -1")
	require.ErrorContains(t, err, "owners is 1")
	require.ErrorContains(t, err, "mean members is 600")
}
