package vendorsim

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
)

// client calls a simulator in process and reads answers with encoding/json, not
// with the simulator's own code.
type client struct {
	t     require.TestingT
	sim   *Sim
	token string
}

// answer is the union of what the endpoints answer.
type answer struct {
	Errcode     int      `json:"errcode"`
	Errmsg      string   `json:"errmsg"`
	AccessToken string   `json:"access_token"`
	ExpiresIn   int      `json:"expires_in"`
	FollowUser  []string `json:"follow_user"`
	Chats       []struct {
		ID     string `json:"chat_id"`
		Status any    `json:"status"` // a string in some answers of odd tenants
	} `json:"group_chat_list"`
	NextCursor *string         `json:"next_cursor"`
	Chat       json.RawMessage `json:"group_chat"`
}

func newSim(t require.TestingT, o Options) *Sim {
	if o.Now == nil {
		o.Now = func() time.Time { return defaultStart }
	}
	s, err := New(o)
	require.NoError(t, err)
	return s
}

// newClient makes a simulator and a client that has a token.
func newClient(t require.TestingT, o Options) *client {
	c := &client{t: t, sim: newSim(t, o)}
	c.login()
	return c
}

func (c *client) login() {
	got := c.gettoken(c.sim.opt.CorpID, c.sim.opt.Secret)
	require.Equal(c.t, 0, got.Errcode, got.Errmsg)
	c.token = got.AccessToken
}

// raw sends a request and returns the body of an answer with HTTP 200.
func (c *client) raw(method, path, body string) []byte {
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, httptest.NewRequest(method, path, strings.NewReader(body)))
	require.Equal(c.t, http.StatusOK, w.Code, w.Body)
	require.Equal(c.t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
	return w.Body.Bytes()
}

func (c *client) parse(body []byte) answer {
	var a answer
	require.NoError(c.t, json.Unmarshal(body, &a), "%s", body)
	return a
}

func (c *client) gettoken(corpID, secret string) answer {
	query := url.Values{"corpid": {corpID}, "corpsecret": {secret}}
	return c.parse(c.raw(http.MethodGet, "/cgi-bin/gettoken?"+query.Encode(), ""))
}

func (c *client) path(endpoint string) string {
	return "/cgi-bin/" + endpoint + "?access_token=" + url.QueryEscape(c.token)
}

func (c *client) follow() answer {
	return c.parse(c.raw(http.MethodGet, c.path(EndpointFollowUsers), ""))
}

func (c *client) list(body string) answer {
	return c.parse(c.raw(http.MethodPost, c.path(EndpointChatList), body))
}

func (c *client) get(body string) answer {
	return c.parse(c.raw(http.MethodPost, c.path(EndpointChatGet), body))
}

// pages follows a listing to its end and returns what each page held. params is
// a JSON object without cursor.
func (c *client) pages(params map[string]any) [][]string {
	var pages [][]string
	for cursor := ""; ; {
		params["cursor"] = cursor
		body, err := json.Marshal(params)
		require.NoError(c.t, err)
		got := c.list(string(body))
		require.Equal(c.t, 0, got.Errcode, got.Errmsg)
		page := []string{}
		for _, row := range got.Chats {
			page = append(page, row.ID)
		}
		pages = append(pages, page)
		if got.NextCursor == nil || *got.NextCursor == "" {
			return pages
		}
		require.NotEqual(c.t, cursor, *got.NextCursor)
		cursor = *got.NextCursor
	}
}

func (c *client) advance(d time.Duration) {
	_, err := c.sim.Advance(d)
	require.NoError(c.t, err)
}

// anyChat is the id of the first chat that exists.
func (c *client) anyChat() string {
	for chat := range c.sim.Chats(c.sim.Now()) {
		return chat.ID
	}
	return ""
}

func checkRefused(t *testing.T, got answer, code int) {
	t.Helper()
	require.Equal(t, code, got.Errcode, got.Errmsg)
	require.Regexp(t, `^[^,]+, hint: \[\d{25}\], from ip: 192\.0\.2\.1, `+
		`more info at https://open\.work\.weixin\.qq\.com/devtool/query\?e=`+strconv.Itoa(code)+`$`, got.Errmsg)
}
