package vendorsim

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
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

func TestParseFaultSaysAllThatIsWrong(t *testing.T) {
	t.Parallel()
	for text, wants := range map[string][]string{
		"":                          {`no fault ""`, "token-expired, token-invalid"},
		"bus":                       {`no fault "bus"`},
		"busy:at":                   {`"at" is not KEY=VALUE`},
		"busy:at=1,at=2":            {`"at=2" is not KEY=VALUE, or comes twice`},
		"busy:at=x,p=2,on=web":      {`at is "x"`, `p is "2"`, `no endpoint "web"`},
		"busy:p=NaN":                {`p is "NaN"`},
		"busy:code=5,ta=1":          {`no parameter "code"`, `no parameter "ta"`},
		"cursor-dead:on=get":        {"it does nothing at get"},
		"limited:per=day":           {`per is "day", want one of minute, hour`},
		"slow:delay=-1s":            {`delay is "-1s"`},
		"unreadable:as=x,row=-1":    {`as is "x"`, `row is "-1"`},
		"oversized-page:by=1,at=-1": {`by is "1"`, `at is "-1"`},
	} {
		_, err := ParseFault(text)
		for _, want := range wants {
			require.ErrorContains(t, err, want, text)
		}
	}
}

func TestWhichCallsAreStruck(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"busy:on=owners":                   "xxxxxxxxxx",
		"busy:on=owners,at=3":              "..x.......",
		"busy:on=owners,every=3":           "..x..x..x.",
		"busy:on=owners,from=3,to=5":       "..xxx.....",
		"busy:on=owners,every=2,times=2":   ".x.x......",
		"busy:on=token+get":                "..........",
		"busy:on=owners,p=0.5,seed=3":      "x.x.xxxx..",
		"busy:on=list+owners,from=9,p=0.9": "........xx",
	} {
		c := newClient(t, Options{Chats: 5})
		arm(t, c, text)
		got := ""
		for range 10 {
			if c.follow().Errcode == codeBusy {
				got += "x"
			} else {
				got += "."
			}
		}
		require.Equal(t, want, got, text)
		require.Equal(t, strings.Count(want, "x"), struck(c)[0])
	}
}

func TestFaultsOfOneSubject(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 20})
	ids := c.pages(map[string]any{"limit": 100})[0]
	arm(t, c, "gone:chat="+ids[2], "gone:code=90501,chat=#4", "bad-owner:owner=#1")
	codes := map[int]int{}
	for _, id := range ids {
		codes[c.get(`{"chat_id":"`+id+`"}`).Errcode]++
	}
	require.Equal(t, map[int]int{0: len(ids) - 2, codeNoChat: 1, 90501: 1}, codes)
	owners := c.follow().FollowUser
	checkRefused(t, c.list(`{"limit":10,"owner_filter":{"userid_list":["`+owners[0]+`","`+c.sim.tenant.staffID(1)+`"]}}`), codeBadUserID)
	require.Zero(t, c.list(`{"limit":10,"owner_filter":{"userid_list":["`+c.sim.tenant.staffID(0)+`"]}}`).Errcode)
	require.Zero(t, c.list(`{"limit":10}`).Errcode)
	require.Equal(t, []int{1, 1, 1}, struck(c))
}

func TestFaultsOfTheCredential(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "token-expired:at=1", "token-invalid:at=3", "wrong-secret:at=3")
	checkRefused(t, c.follow(), codeTokenExpired)
	c.login()
	require.Zero(t, c.follow().Errcode)
	checkRefused(t, c.follow(), codeBadToken)
	c.login()
	checkRefused(t, c.gettoken(DefaultCorpID, DefaultSecret), codeWrongSecret)
}

func TestLimitedForTheSpanInServiceTime(t *testing.T) {
	t.Parallel()
	for per, span := range map[string]time.Duration{"minute": time.Minute, "hour": time.Hour} {
		now := defaultStart
		c := newClient(t, Options{TokenTTL: 5 * time.Hour, Now: func() time.Time { return now }, Limits: Limits{PerMinute: -1, PerHour: -1}})
		id := c.anyChat()
		arm(t, c, "limited:at=2,per="+per)
		require.Zero(t, c.get(`{"chat_id":"`+id+`"}`).Errcode)
		checkRefused(t, c.get(`{"chat_id":"`+id+`"}`), codeTooOften)
		now = now.Add(span / 2)
		checkRefused(t, c.get(`{"chat_id":"`+id+`"}`), codeTooOften)
		require.Zero(t, c.follow().Errcode, "another endpoint is not blocked")
		c.advance(span/2 - time.Second)
		checkRefused(t, c.get(`{"chat_id":"`+id+`"}`), codeTooOften)
		now = now.Add(time.Second)
		require.Zero(t, c.get(`{"chat_id":"`+id+`"}`).Errcode)
	}
}

func TestGateways(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "gateway:at=1", "gateway:at=2,body=json,status=200", "gateway:at=3,body=nothing,status=429,retry-after=7")
	send := func() *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, c.path(EndpointFollowUsers), nil))
		return w
	}
	w := send()
	require.Equal(t, http.StatusBadGateway, w.Code)
	require.Equal(t, "text/html", w.Header().Get("Content-Type"))
	require.Contains(t, w.Body.String(), "<html>")
	w = send()
	require.Equal(t, http.StatusOK, w.Code)
	require.True(t, json.Valid(w.Body.Bytes()))
	require.NotContains(t, w.Body.String(), "errcode")
	w = send()
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "7", w.Header().Get("Retry-After"))
	require.Zero(t, w.Body.Len())
	require.Equal(t, 3, c.sim.Calls()[EndpointFollowUsers].Scripted)
}

func TestFaultsOfTheNetwork(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	url := onPort(t, c.sim) + c.path(EndpointFollowUsers)
	arm(t, c, "drop:at=1", "cut:at=2,after=5", "cut:at=3,after=5,as=whole")
	_, _, err := fetch(t, url)
	require.ErrorIs(t, err, io.EOF)
	_, body, err := fetch(t, url)
	require.ErrorIs(t, err, io.ErrUnexpectedEOF)
	require.Len(t, body, 5)
	_, body, err = fetch(t, url)
	require.NoError(t, err)
	require.Len(t, body, 5)
	require.Equal(t, []int{1, 1, 1}, struck(c))
}

func TestStallLastsUntilTheClientGoes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "stall:after=9")
	server := httptest.NewServer(c.sim)
	response, err := server.Client().Get(server.URL + c.path(EndpointFollowUsers))
	require.NoError(t, err)
	some := make([]byte, 9)
	_, err = io.ReadFull(response.Body, some)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	server.Close() // waits for the handler
}

func TestHugeBodies(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "huge:on=owners,at=1,bytes=100000", "huge:on=owners,at=2,bytes=3000000,as=gzip")
	plain := c.raw(http.MethodGet, c.path(EndpointFollowUsers), "")
	require.Greater(t, len(plain), 100_000)
	require.True(t, json.Valid(plain))
	packed := c.raw(http.MethodGet, c.path(EndpointFollowUsers), "")
	require.Less(t, len(packed), 30_000)
	r, err := gzip.NewReader(bytes.NewReader(packed))
	require.NoError(t, err)
	unpacked, err := io.ReadAll(r)
	require.NoError(t, err)
	require.Greater(t, len(unpacked), 3_000_000)
	require.True(t, json.Valid(unpacked))
}

func TestFaultsByControl(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	control := func(method, body string, status int) (reply struct {
		Armed []ArmedFault
		Known []FaultInfo
		When  []FaultParam
	},
	) {
		t.Helper()
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, httptest.NewRequest(method, "/_sim/faults", strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		if status == http.StatusOK {
			require.NoError(t, json.Unmarshal(w.Body.Bytes(), &reply))
		}
		return reply
	}
	require.Empty(t, control("GET", "", 200).Armed)
	require.Len(t, control("GET", "", 200).Known, len(faultKinds))
	control("POST", `{"fault":"busy:on=owners,at=2"}`, 200)
	control("POST", `{"fault":"bus"}`, 400)
	control("POST", `{"faults":"busy"}`, 400)
	require.Zero(t, c.follow().Errcode)
	checkRefused(t, c.follow(), codeBusy)
	got := control("POST", `{"fault":"slow"}`, 200)
	require.Equal(t, []ArmedFault{{Fault: "busy:on=owners,at=2", Calls: 2, Struck: 1}, {Fault: "slow"}}, got.Armed)
	require.NotEmpty(t, got.When)
	require.Empty(t, control("DELETE", "", 200).Armed)
	require.Zero(t, c.follow().Errcode)
}
