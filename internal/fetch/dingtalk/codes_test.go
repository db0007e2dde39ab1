package dingtalk

import (
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
)

// endpointOf names the endpoints in testdata/codes.txt.
var endpointOf = map[string]string{
	"any": "another", "token": endpointToken, "chats": endpointChats, "chat": endpointChat, "sets": endpointSets,
	"reads": endpointReads, "*": "",
}

// TestEveryDocumentedCodeIsClassed walks the vendor's tables, in each place and
// with both spellings of a body.
func TestEveryDocumentedCodeIsClassed(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	seen := map[string]bool{}
	for line := range strings.Lines(sample(t, "codes.txt")) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, fields, 5, line)
		status, err := strconv.Atoi(fields[0])
		require.NoError(t, err)
		code, place, want, remedy := fields[1], fields[2], fields[3], fields[4]
		endpoint, known := endpointOf[place]
		require.True(t, known, line)
		seen[code] = true
		for _, body := range []string{
			`{"code":"` + code + `","message":"no","requestid":"REQ-1"}`,
			`{"Code":"` + code + `","Message":"no","RequestId":"REQ-1"}`,
		} {
			q := question{endpoint: endpoint, bornAt: time.Now().AddDate(-1, 0, 0)}
			bad := c.verdict(q, fetch.Answer{Status: status, Body: []byte(body)}, nil)
			require.NotNil(t, bad, line)
			require.Equal(t, code, bad.Code)
			require.Equal(t, want, bad.Class.String(), line)
			require.Contains(t, bad.Message, "no (requestid REQ-1)")
			require.Equal(t, remedy == "remedy", bad.Remedy != "", "remedy of %s: %q", line, bad.Remedy)
			require.Equal(t, want == "throttled" && (strings.Contains(code, "Qpm") || code == codeMonthSpent), bad.RetryAfter > 0, line)
			require.Equal(t, code == codeMonthSpent, bad.Scope == fetch.ScopeSource, line)
		}
	}
	require.Greater(t, len(seen), 40)
	for code := range rules {
		require.True(t, seen[code], "code %s is classed but not in the table", code)
	}
}

// A code that nobody told us of is classed by its status; what may pass by itself is
// not taken for a refusal that a person has to do something about.
func TestClassesOfCodesNobodyToldUsOf(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for name, tc := range map[string]struct {
		status int
		body   string
		want   fetch.Class
		code   string
		rest   time.Duration
	}{
		"a new throttle per second": {403, `{"code":"Forbidden.AccessDenied.QpsLimitForMoon"}`, fetch.ClassThrottled, "Forbidden.AccessDenied.QpsLimitForMoon", 0},
		"a new throttle per minute": {403, `{"code":"Forbidden.AccessDenied.QpmLimitForMoon"}`, fetch.ClassThrottled, "Forbidden.AccessDenied.QpmLimitForMoon", time.Minute},
		"a new permission":          {403, `{"code":"Forbidden.AccessDenied.Moon"}`, fetch.ClassAuth, "Forbidden.AccessDenied.Moon", 0},
		"the start of a code":       {403, `{"code":"Forbidden.AccessDenied.ApiCountLimitForOrgs"}`, fetch.ClassAuth, "Forbidden.AccessDenied.ApiCountLimitForOrgs", 0},
		"a new parameter":           {400, `{"code":"moon"}`, fetch.ClassUnknown, "moon", 0},
		"a new trouble":             {500, `{"code":"moon"}`, fetch.ClassTransient, "moon", 0},
		"too many":                  {429, `{"code":"moon"}`, fetch.ClassThrottled, "moon", 0},
		"beside a good status":      {200, `{"code":"moon","resultList":[],"hasMore":false}`, fetch.ClassMalformed, "moon", 0},
		"known beside a good one":   {200, `{"code":"systemError","resultList":[],"hasMore":false}`, fetch.ClassTransient, "systemError", 0},
		"no code":                   {403, `{"message":"no"}`, fetch.ClassAuth, "http 403", 0},
		"a code of another kind":    {500, `{"code":{}}`, fetch.ClassTransient, "http 500", 0},
		"a number":                  {400, `{"code":88}`, fetch.ClassUnknown, "88", 0},
		"no JSON":                   {400, `no`, fetch.ClassRefused, "http 400", 0},
		"no JSON beside a good one": {200, `no`, fetch.ClassTransient, "not json", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := c.verdict(question{endpoint: endpointChats}, fetch.Answer{Status: tc.status, Body: []byte(tc.body)},
				func([]byte) error { return lenient.ErrNotJSON })
			require.NotNil(t, bad)
			require.Equal(t, tc.want, bad.Class)
			require.Equal(t, tc.code, bad.Code)
			require.Equal(t, tc.rest, bad.RetryAfter)
		})
	}
}

// TestOlderInterfacesSendACodeWithGoodAnswers: it is no refusal.
func TestOlderInterfacesSendACodeWithGoodAnswers(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for _, code := range []string{`"0"`, `0`, `"OK"`, `"success"`, `""`, `null`} {
		read := false
		bad := c.verdict(question{}, fetch.Answer{Status: http.StatusOK, Body: []byte(`{"code":` + code + `}`)}, func([]byte) error {
			read = true
			return nil
		})
		require.Nil(t, bad, code)
		require.True(t, read)
	}
}

func TestMissingScopesAreNamed(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	const code = `"code":"Forbidden.AccessDenied.AccessTokenPermissionDenied"`
	for body, want := range map[string]string{
		`{` + code + `,"accessdenieddetail":{"requiredScopes":["a.Read","b.Read","a.Read"]}}`: "a.Read, b.Read",
		`{` + code + `,"AccessDeniedDetail":{"requiredScopes":["a.Read"]}}`:                   "a.Read",
		`{` + code + `,"accessdenieddetail":{"requiredScopes":[{}]}}`:                         "Crm.CustomerGroup.Read",
		`{` + code + `,"accessdenieddetail":"x"}`:                                             "Crm.CustomerGroup.Read",
		`{` + code + `}`: "Crm.CustomerGroup.Read",
	} {
		bad := c.verdict(question{endpoint: endpointChats}, fetch.Answer{Status: http.StatusForbidden, Body: []byte(body)}, nil)
		require.Equal(t, fixPermission+want, bad.Remedy, body)
	}
	bad := c.verdict(question{endpoint: endpointReads}, fetch.Answer{Status: http.StatusForbidden, Body: []byte(`{` + code + `}`)}, nil)
	require.Equal(t, fixPermission+"qyapi_robot_sendmsg", bad.Remedy)
}

func TestTheMessageOfARefusal(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for body, want := range map[string]string{
		`{"code":"x","message":"m","requestid":"r","description":"d"}`: "m (requestid r)",
		`{"code":"x","description":"d"}`:                               "d",
		`{"code":"x","RequestId":"r"}`:                                 "(requestid r)",
		`{"code":"x"}`:                                                 "",
	} {
		bad := c.verdict(question{}, fetch.Answer{Status: http.StatusBadRequest, Body: []byte(body)}, nil)
		require.Equal(t, want, bad.Message, body)
	}
}

// TestPageNamesEveryCode holds the vendor's page in docs to the table.
func TestPageNamesEveryCode(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../../../docs/vendors/dingtalk.md")
	require.NoError(t, err)
	for code := range rules {
		require.Contains(t, string(page), strings.TrimPrefix(code, "Forbidden.AccessDenied."), "docs/vendors/dingtalk.md")
	}
}
