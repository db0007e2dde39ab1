package scrm

import (
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

const timestampOfVectors = "1650944121000"

// vectors were computed outside of this program, by sha256sum, md5sum and openssl.
var vectors = map[string]struct {
	sign Strategy
	body string
	want string
}{
	"usual":     {SignSHA256, `{"pageNo":1,"pageSize":10}`, "32116a059baf73d0ea839fb75513131bb65f27ca814c058697043b9b9c19ca33"},
	"Chinese":   {SignSHA256, `{"pageNo":1,"pageSize":10,"keyword":"客户群"}`, "b6088d91f9f03bab518d7a56f3417c63bb605de09bde2f046171f6acaffcb59b"},
	"no body":   {SignSHA256, "", "bd950ff6d6418a3db38854a81f20254fe48b4ca1b66a65eb24371cf5e265f62d"},
	"hmac":      {SignHMAC, `{"pageNo":1,"pageSize":10}`, "9dc619e352b7dc9169c92b92014456c241cdc4be4a0dbc3d26e7b94ea0dcd963"},
	"md5":       {SignMD5, `{"pageNo":1,"pageSize":10}`, "00b5e45f5c3e8a3d5e6e3ab374cd2eb9"},
	"md5 bare":  {SignMD5Bare, `{"pageNo":1,"pageSize":10}`, "22957fc34d15d2f174f3a1c0b5d36816"},
	"md5 pairs": {SignMD5Sorted, `{"pageNo":1,"keyword":"a\"b"}`, "288c3f7e0d71893285848331be5b91e7"},
}

func TestSignatures(t *testing.T) {
	t.Parallel()
	at := time.UnixMilli(1650944121000)
	for name, v := range vectors {
		for _, upper := range []bool{false, true} {
			c := newClient(t, Options{
				AppID: "app-demo", AppKey: "key-demo", Sign: v.sign, SignUpper: upper, Now: func() time.Time { return at },
			})
			good, other := v.want, strings.ToUpper(v.want)
			if upper {
				good, other = other, good
			}
			require.Equal(t, good, c.sim.Signature(timestampOfVectors, []byte(v.body)), name)
			c.header = map[string]string{"sign": good}
			require.NotContains(t, []int{codeBadSign, codeBadTime}, c.groups(v.body).Code, name)
			c.header = map[string]string{"sign": other}
			checkRefused(t, c.groups(v.body), codeBadSign)
		}
	}
}

// The bytes that were signed are the bytes that have to come.
func TestSignatureIsOfTheBytes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.good(c.groups(`{"pageNo":1}`))
	sign := c.sim.Signature(strconv.FormatInt(defaultStart.UnixMilli(), 10), []byte(`{"pageNo":1}`))
	c.header = map[string]string{"sign": sign}
	c.good(c.groups(`{"pageNo":1}`))
	checkRefused(t, c.groups(`{"pageNo": 1}`), codeBadSign)
	checkRefused(t, c.groups(`{}`), codeBadSign)
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	seconds := strconv.FormatInt(defaultStart.Unix(), 10)
	for name, tt := range map[string]struct {
		header map[string]string
		rule   KeyRule
		code   int
	}{
		"no appId":             {map[string]string{"appId": ""}, 0, codeBadSign},
		"another appId":        {map[string]string{"appId": "x"}, 0, codeBadSign},
		"no sign":              {map[string]string{"sign": ""}, 0, codeBadSign},
		"no timestamp":         {map[string]string{"timestamp": ""}, 0, codeBadTime},
		"seconds":              {map[string]string{"timestamp": seconds}, 0, codeBadTime},
		"no digits":            {map[string]string{"timestamp": "16509441210x0"}, 0, codeBadTime},
		"a sign":               {map[string]string{"timestamp": "+" + seconds + "00"}, 0, codeBadTime},
		"another timestamp":    {map[string]string{"timestamp": seconds + "001"}, 0, codeBadSign},
		"no key":               {map[string]string{"appKey": ""}, KeyOptional, codeOK},
		"a wrong key":          {map[string]string{"appKey": "x"}, KeyOptional, codeBadSign},
		"a wrong key, ignored": {map[string]string{"appKey": "x"}, KeyIgnored, codeOK},
		"no key, ignored":      {map[string]string{"appKey": ""}, KeyIgnored, codeOK},
		"a key, required":      {nil, KeyRequired, codeOK},
		"no key, required":     {map[string]string{"appKey": ""}, KeyRequired, codeBadSign},
		"wrong key, required":  {map[string]string{"appKey": "x"}, KeyRequired, codeBadSign},
	} {
		c := newClient(t, Options{Key: tt.rule})
		c.header = tt.header
		require.Equal(t, tt.code, c.groups(`{}`).Code, name)
	}
}

func TestSkew(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		window, off time.Duration
		code        int
	}{
		{0, 5 * time.Minute, codeOK},
		{0, -5 * time.Minute, codeOK},
		{0, 5*time.Minute + time.Millisecond, codeBadTime},
		{0, -5*time.Minute - time.Millisecond, codeBadTime},
		{time.Second, 2 * time.Second, codeBadTime},
		{-1, 1000 * time.Hour, codeOK},
	} {
		c := newClient(t, Options{SkewMax: tt.window})
		c.now = func() time.Time { return defaultStart.Add(tt.off) }
		w := c.record(EndpointGroups, `{}`)
		require.Equal(t, tt.code, c.parse(w.Body.Bytes()).Code, tt)
		require.Equal(t, "Sun, 01 Nov 2026 01:00:00 GMT", w.Header().Get("Date"))
	}
}

// A client signs by the real time, wherever the tenant's clock is.
func TestMovingTheClockSpoilsNoSignature(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	c.advance(1000 * time.Hour)
	c.good(c.groups(`{}`))
}

// Also an answer that a fault gave says what time it is.
func TestEveryAnswerTellsTheTime(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arm(t, c, "bad-time:at=1", "gateway:at=2")
	for range 3 {
		require.Equal(t, "Sun, 01 Nov 2026 01:00:00 GMT", c.record(EndpointGroups, `{}`).Header().Get("Date"))
	}
}

// Names of headers have no case, also where no network has changed it.
func TestHeadersAsTheVendorWritesThem(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Key: KeyRequired})
	r := c.request(http.MethodPost, EndpointGroups, `{}`)
	for _, name := range []string{"appId", "appKey", "timestamp", "sign"} {
		value := r.Header.Get(name)
		r.Header.Del(name)
		r.Header[name] = []string{value}
	}
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, r)
	c.good(c.parse(w.Body.Bytes()))
}

func TestWhatIsNoCall(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	serve := func(r *http.Request) int {
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, r)
		return w.Code
	}
	require.Equal(t, http.StatusMethodNotAllowed, serve(c.request(http.MethodGet, EndpointGroups, "")))
	require.Equal(t, http.StatusNotFound, serve(c.request(http.MethodPost, "customer/search", "{}")))
	r := c.request(http.MethodPost, EndpointGroups, "{}")
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	require.Equal(t, http.StatusUnsupportedMediaType, serve(r))
	r.Header.Del("Content-Type")
	require.Equal(t, http.StatusUnsupportedMediaType, serve(r))
	r = c.request(http.MethodPost, EndpointGroups, "{}")
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	r.URL.Path = "/apiServer" + r.URL.Path
	require.Equal(t, http.StatusOK, serve(r))
	require.Equal(t, map[int]int{405: 1, 415: 2, 0: 1}, c.sim.Calls()[EndpointGroups].Codes)
}

func TestCallsPerSecond(t *testing.T) {
	t.Parallel()
	now := defaultStart
	c := newClient(t, Options{PerSecond: 5, RetryAfter: 2 * time.Second, Now: func() time.Time { return now }})
	for range 5 {
		c.good(c.groups(`{}`))
	}
	w := c.record(EndpointUsers, `{}`)
	require.Equal(t, http.StatusTooManyRequests, w.Code)
	require.Equal(t, "2", w.Header().Get("Retry-After"))
	checkRefused(t, c.parse(w.Body.Bytes()), codeTooOften)
	now = now.Add(200 * time.Millisecond)
	c.good(c.users(`{}`))
	require.Equal(t, http.StatusTooManyRequests, c.record(EndpointUsers, `{}`).Code)
	c.advance(time.Hour)
	for range 5 {
		c.good(c.users(`{}`))
	}
	require.Equal(t, http.StatusTooManyRequests, c.record(EndpointUsers, `{}`).Code)
	require.Equal(t, map[int]int{0: 6, codeTooOften: 3}, c.sim.Calls()[EndpointUsers].Codes)
	require.Equal(t, 5, c.sim.Calls()[EndpointGroups].Calls)
	c.sim.ResetCalls()
	require.Zero(t, c.sim.Calls()[EndpointGroups].Calls)
}
