package dingtalk

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// client calls a simulator in process and reads answers with encoding/json, not
// with the simulator's own code.
type client struct {
	t     require.TestingT
	sim   *Sim
	token string
	now   time.Time // behind service time; each call takes 100 ms
}

// answer is the union of what the endpoints answer.
type answer struct {
	Status int

	Code       string          `json:"code"`
	Message    string          `json:"message"`
	RequestID  string          `json:"requestid"`
	Punish     string          `json:"punish"`
	AccessRaw  json.RawMessage `json:"accessdenieddetail"`
	Token      string          `json:"accessToken"`
	ExpireIn   int             `json:"expireIn"`
	ResultList []row           `json:"resultList"`
	Result     []row           `json:"result"`
	HasMore    bool            `json:"hasMore"`
	NextToken  *string         `json:"nextToken"`
	TotalCount int             `json:"totalCount"`
	SendStatus string          `json:"sendStatus"`
	Readers    []string        `json:"readUserIds"`
	row
}

type row struct {
	ChatID    string  `json:"openConversationId"`
	SetID     *string `json:"openGroupSetId"`
	OwnerID   string  `json:"ownerUserId"`
	OwnerName string  `json:"ownerUserName"`
	Name      string  `json:"name"`
	Members   int     `json:"memberCount"`
	Created   any     `json:"gmtCreate"` // a number for a group, a text for a set
	Modified  string  `json:"gmtModified"`
	Chats     int     `json:"groupChatCount"`
	IconURL   string  `json:"iconUrl"`
	Managers  string  `json:"managerUserIds"`
	Relation  string  `json:"relationType"`
	Last      string  `json:"lastOpenConversationId"`
	Invite    string  `json:"inviteLink"`
}

func newClient(t require.TestingT, o Options) *client {
	c := &client{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
	if o.Now == nil {
		o.Now = func() time.Time { return c.now }
	}
	var err error
	c.sim, err = New(o)
	require.NoError(t, err)
	c.login()
	return c
}

func (c *client) login() {
	got := c.do(EndpointToken, nil, `{"appKey":"`+c.sim.opt.AppKey+`","appSecret":"`+c.sim.opt.AppSecret+`"}`)
	require.Equal(c.t, http.StatusOK, got.Status, got.Code)
	c.token = got.Token
}

func (c *client) recorded(endpoint string, query url.Values, body string) *httptest.ResponseRecorder {
	c.now = c.now.Add(100 * time.Millisecond)
	method, path, _ := strings.Cut(endpoint, " ")
	r := httptest.NewRequest(method, path+"?"+query.Encode(), strings.NewReader(body))
	if c.token != "" {
		r.Header.Set("X-Acs-Dingtalk-Access-Token", c.token)
	}
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	return w
}

func (c *client) do(endpoint string, query url.Values, body string) answer {
	w := c.recorded(endpoint, query, body)
	require.Equal(c.t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
	a := answer{Status: w.Code}
	require.NoError(c.t, json.Unmarshal(w.Body.Bytes(), &a), w.Body.String())
	return a
}

func values(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
	}
	return v
}

func (c *client) chats(pairs ...string) answer {
	v := values("relationType", RelationCustomer, "maxResults", "100")
	for i := 0; i < len(pairs); i += 2 {
		v.Set(pairs[i], pairs[i+1])
		if pairs[i+1] == "-" {
			v.Del(pairs[i])
		}
	}
	return c.do(EndpointChats, v, "")
}

// pages follows a list to its end, or for 30 pages.
func (c *client) pages(endpoint string, v url.Values) (pages [][]row, ended bool) {
	v.Del("nextToken")
	for range 30 {
		got := c.do(endpoint, v, "")
		require.Equal(c.t, http.StatusOK, got.Status, "%s %s", got.Code, got.Message)
		pages = append(pages, got.ResultList)
		if !got.HasMore {
			return pages, true
		}
		require.NotNil(c.t, got.NextToken)
		v.Set("nextToken", *got.NextToken)
	}
	return pages, false
}

func flat(pages [][]row) (ids []string) {
	for _, page := range pages {
		for _, r := range page {
			ids = append(ids, r.ChatID)
		}
	}
	return ids
}

func (c *client) chat(id string) answer {
	return c.do(EndpointChat, values("openConversationId", id), "")
}

func (c *client) reads(m Message, more string) answer {
	return c.do(EndpointReads, nil,
		`{"processQueryKey":"`+m.Key+`","openConversationId":"`+m.ChatID+`","robotCode":"`+m.RobotCode+`"`+more+`}`)
}

func (c *client) advance(d time.Duration) {
	_, err := c.sim.Advance(d)
	require.NoError(c.t, err)
}

func (c *client) arm(texts ...string) {
	for _, text := range texts {
		require.NoError(c.t, c.sim.Arm(text))
	}
}

// truth are the groups of a relation type, by their ids in order of time.
func (c *client) truth(relationType string) (ids []string) {
	for chat := range c.sim.Chats(c.sim.Now()) {
		if chat.RelationType == relationType {
			ids = append(ids, chat.ID)
		}
	}
	return ids
}

func checkRefused(t *testing.T, got answer, status int, code string) {
	t.Helper()
	require.Equal(t, code, got.Code, got.Message)
	require.Equal(t, status, got.Status)
	require.NotEmpty(t, got.Message)
	require.Regexp(t, `^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`, got.RequestID)
}
