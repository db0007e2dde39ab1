package scrm

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// client calls a simulator in process, signs by itself and reads answers with
// encoding/json, not with the simulator's own code.
type client struct {
	t      require.TestingT
	sim    *Sim
	now    func() time.Time
	header map[string]string // in place of the good ones; "" leaves one out
}

// answer is what both endpoints answer.
type answer struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    *data  `json:"data"`
}

type data struct {
	TotalCount int   `json:"totalCount"`
	TotalPage  int   `json:"totalPage"`
	PageNo     int   `json:"pageNo"`
	PageSize   int   `json:"pageSize"`
	Result     []row `json:"result"`
}

type row struct {
	SalesID        string            `json:"salesId"`
	SalesName      string            `json:"salesName"`
	DepartmentName string            `json:"departmentName"`
	ChatID         string            `json:"chatId"`
	ChatName       string            `json:"chatName"`
	Tasks          []taskRow         `json:"tasks"`
	Calendars      []json.RawMessage `json:"calendars"`
	TagGroupNames  []json.RawMessage `json:"tagGroupNames"`
	CreateTime     string            `json:"createTimeGroup"`
	Name           string            `json:"name"`
	Deleted        int               `json:"deleted"`
}

type taskRow struct {
	ID         string `json:"id"`
	SopInfoID  string `json:"sopInfoId"`
	Title      string `json:"title"`
	ChatID     string `json:"chatId"`
	ChatName   string `json:"chatName"`
	SendStatus int    `json:"sendStatus"`
	Mode       int    `json:"mode"`
	CreatorID  int64  `json:"creatorId"`
	StartTime  string `json:"startTime"`
}

// newClient makes a simulator whose real time stands still and whose calls are
// not limited, and a client that can sign.
func newClient(t require.TestingT, o Options) *client {
	if o.Now == nil {
		o.Now = func() time.Time { return defaultStart }
	}
	if o.PerSecond == 0 {
		o.PerSecond = -1
	}
	s, err := New(o)
	require.NoError(t, err)
	return &client{t: t, sim: s, now: o.Now}
}

// request is a signed call.
func (c *client) request(method, endpoint, body string) *http.Request {
	timestamp := strconv.FormatInt(c.now().UnixMilli(), 10)
	sum := sha256.Sum256([]byte(c.sim.opt.AppID + timestamp + body + c.sim.opt.AppKey))
	r := httptest.NewRequest(method, "/api/v3/"+endpoint, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("appId", c.sim.opt.AppID)
	r.Header.Set("appKey", c.sim.opt.AppKey)
	r.Header.Set("timestamp", timestamp)
	r.Header.Set("sign", hex.EncodeToString(sum[:]))
	for name, value := range c.header {
		r.Header.Set(name, value)
		if value == "" {
			r.Header.Del(name)
		}
	}
	return r
}

func (c *client) record(endpoint, body string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, c.request(http.MethodPost, endpoint, body))
	return w
}

// raw returns the body of an answer with HTTP 200.
func (c *client) raw(endpoint, body string) []byte {
	w := c.record(endpoint, body)
	require.Equal(c.t, http.StatusOK, w.Code, w.Body)
	require.Equal(c.t, strconv.Itoa(w.Body.Len()), w.Header().Get("Content-Length"))
	return w.Body.Bytes()
}

func (c *client) parse(body []byte) answer {
	var a answer
	require.NoError(c.t, json.Unmarshal(body, &a), "%s", body)
	return a
}

func (c *client) groups(body string) answer { return c.parse(c.raw(EndpointGroups, body)) }
func (c *client) users(body string) answer  { return c.parse(c.raw(EndpointUsers, body)) }

// good is the data of an answer that has some.
func (c *client) good(a answer) data {
	require.Equal(c.t, 0, a.Code, a.Message)
	require.Equal(c.t, "success", a.Message)
	require.NotNil(c.t, a.Data)
	return *a.Data
}

// all reads a list to its end, with other members of the request as JSON.
func (c *client) all(endpoint, filter string, pageSize int) []row {
	var rows []row
	for no := 1; ; no++ {
		body := `{"pageNo":` + strconv.Itoa(no) + `,"pageSize":` + strconv.Itoa(pageSize)
		if filter != "" {
			body += "," + filter
		}
		d := c.good(c.parse(c.raw(endpoint, body+"}")))
		require.Equal(c.t, no, d.PageNo)
		rows = append(rows, d.Result...)
		if no >= d.TotalPage {
			return rows
		}
	}
}

func (c *client) advance(d time.Duration) {
	_, err := c.sim.Advance(d)
	require.NoError(c.t, err)
}

func (c *client) insert(in Insertion) string {
	id, err := c.sim.Insert(in)
	require.NoError(c.t, err)
	return id
}

func ids(rows []row) []string {
	list := make([]string, 0, len(rows))
	for _, r := range rows {
		list = append(list, r.ChatID)
	}
	return list
}

// truth are the ids of the groups that exist now, in the order of the list.
func (c *client) truth() []string {
	list := []string{}
	for g := range c.sim.Groups(c.sim.Moment()) {
		list = append(list, g.ChatID)
	}
	return list
}

func checkRefused(t *testing.T, got answer, code int) {
	t.Helper()
	require.Equal(t, code, got.Code, got.Message)
	require.NotEmpty(t, got.Message)
	require.Nil(t, got.Data)
}

// requireJSON takes bytes that are no UTF-8, as encoding/json does.
func requireJSON(t *testing.T, body []byte, into any) {
	t.Helper()
	require.NoError(t, json.Unmarshal(body, into), "%s", body)
}

// fetch sends a signed request to a real port.
func fetch(t *testing.T, base string, r *http.Request, body string) (int, []byte, error) {
	t.Helper()
	out, err := http.NewRequestWithContext(t.Context(), r.Method, base+r.URL.Path, strings.NewReader(body))
	require.NoError(t, err)
	out.Header = r.Header.Clone()
	response, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(out)
	if err != nil {
		return 0, nil, err
	}
	defer func() { require.NoError(t, response.Body.Close()) }()
	got, err := io.ReadAll(response.Body)
	return response.StatusCode, got, err
}
