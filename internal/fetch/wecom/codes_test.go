package wecom

import (
	"os"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
)

// TestEveryDocumentedCodeIsClassed walks the vendor's table.
func TestEveryDocumentedCodeIsClassed(t *testing.T) {
	t.Parallel()
	allowed := map[string][]fetch.Class{
		"TRANS":    {fetch.ClassTransient, fetch.ClassNotReady},
		"RATE":     {fetch.ClassThrottled},
		"CONC":     {fetch.ClassThrottled},
		"TOKEN":    {fetch.ClassAuth},
		"CONFIG":   {fetch.ClassAuth},
		"IP":       {fetch.ClassAuth},
		"PERM":     {fetch.ClassAuth, fetch.ClassDenied},
		"PARAM":    {fetch.ClassRefused, fetch.ClassTooLarge, fetch.ClassDenied},
		"NOTFOUND": {fetch.ClassGone},
		"STATE":    {fetch.ClassGone, fetch.ClassDenied, fetch.ClassRefused},
		"OTHER":    {fetch.ClassRefused},
	}
	table, err := os.ReadFile("testdata/errcodes.txt")
	require.NoError(t, err)
	seen := map[int64]bool{}
	for line := range strings.Lines(string(table)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		fields := strings.Split(strings.TrimSpace(line), "\t")
		require.Len(t, fields, 3, line)
		code, err := strconv.ParseInt(fields[0], 10, 64)
		require.NoError(t, err)
		seen[code] = true
		if _, ok := rules[code]; !ok {
			t.Errorf("code %d (%s) is not classed", code, fields[2])
			continue
		}
		bad := classify(endpointGet, outcome{code: code}, false)
		require.Contains(t, allowed[fields[1]], bad.Class, "code %d: %s", code, fields[2])
		if bad.Class == fetch.ClassAuth {
			require.NotEmpty(t, bad.Remedy, "code %d stops the source and must say how to go on", code)
		}
	}
	require.Greater(t, len(seen), 70)
	for code := range rules {
		require.True(t, seen[code], "code %d is classed but not in the table", code)
	}
}

// TestEveryCodeHasAClassEverywhere: a class of its own at some endpoint is one that
// makes sense there, and what is about rights keeps to its endpoint.
func TestEveryCodeHasAClassEverywhere(t *testing.T) {
	t.Parallel()
	known := []string{
		endpointToken, endpointOwners, endpointList, endpointGet, endpointStatistic, endpointByDay,
		endpointMessages, endpointTasks, endpointResults, endpointJoinWay,
	}
	for code, r := range rules {
		for endpoint := range r.at {
			require.Contains(t, known, endpoint, code)
		}
		for _, endpoint := range known {
			bad := classify(endpoint, outcome{code: code}, false)
			require.NotEqual(t, fetch.ClassUnknown, bad.Class, "%d at %s", code, endpoint)
			if besides[endpoint] != fetch.ClassUnknown && (r.remedy == fixPermission || r.remedy == fixLicence) {
				require.Equal(t, fetch.ClassDenied, bad.Class, "%d at %s", code, endpoint)
				require.NotEmpty(t, bad.Remedy)
			}
		}
	}
	require.Equal(t, fetch.ClassTransient, classify(endpointMessages, outcome{code: 41063}, false).Class)
	require.Equal(t, fetch.ClassNotReady, classify(endpointTasks, outcome{code: 41063}, false).Class)
}

func TestClassify(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		endpoint string
		code     int64
		cursor   bool
		want     fetch.Class
	}{
		"good":                      {endpointGet, 0, false, -1},
		"chat gone":                 {endpointGet, 40050, false, fetch.ClassGone},
		"chat id in a list":         {endpointList, 40050, false, fetch.ClassRefused},
		"dismissed":                 {endpointGet, 49008, false, fetch.ClassGone},
		"not a customer group":      {endpointGet, 90501, false, fetch.ClassGone},
		"not of WeCom":              {endpointGet, 90509, false, fetch.ClassGone},
		"out of sight":              {endpointGet, 60011, false, fetch.ClassDenied},
		"out of range":              {endpointGet, 50002, false, fetch.ClassDenied},
		"owner resigned":            {endpointList, 40003, false, fetch.ClassRefused},
		"params beside a cursor":    {endpointList, 40058, true, fetch.ClassCursorGone},
		"throttled with a cursor":   {endpointList, 45009, true, fetch.ClassThrottled},
		"too large with a cursor":   {endpointList, 81017, true, fetch.ClassTooLarge},
		"unknown":                   {endpointList, 123456, false, fetch.ClassTransient},
		"unknown beside a cursor":   {endpointList, 123456, true, fetch.ClassTransient},
		"permission of the app":     {endpointList, 48002, false, fetch.ClassAuth},
		"frequency":                 {endpointToken, 45009, false, fetch.ClassThrottled},
		"congestion":                {endpointGet, 45033, false, fetch.ClassThrottled},
		"busy":                      {endpointGet, -1, false, fetch.ClassTransient},
		"too many people in range":  {endpointList, 81017, false, fetch.ClassTooLarge},
		"days nobody has, by owner": {endpointStatistic, 600018, false, fetch.ClassOutside},
		"days nobody has, by day":   {endpointByDay, 600018, false, fetch.ClassOutside},
		"midnight between pages":    {endpointStatistic, 600018, true, fetch.ClassOutside},
		"range of another endpoint": {endpointList, 600018, false, fetch.ClassRefused},
		"owner resigned, counted":   {endpointStatistic, 40003, false, fetch.ClassRefused},
		"owner resigned, by day":    {endpointByDay, 40003, false, fetch.ClassRefused},
		"owner unknown, counted":    {endpointStatistic, 60111, false, fetch.ClassDenied},
		"out of sight, counted":     {endpointStatistic, 60011, false, fetch.ClassDenied},
		"out of range, by day":      {endpointByDay, 50002, false, fetch.ClassDenied},
		"list of owners, counted":   {endpointStatistic, 81013, false, fetch.ClassRefused},
		"too many people, counted":  {endpointStatistic, 81017, false, fetch.ClassTooLarge},
		"answer too large for them": {endpointGet, 45029, false, fetch.ClassTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			bad := classify(c.endpoint, outcome{code: c.code}, c.cursor)
			if c.want < 0 {
				require.Nil(t, bad)
				return
			}
			require.Equal(t, c.want, bad.Class)
			require.Equal(t, strconv.FormatInt(c.code, 10), bad.Code)
		})
	}
}

func TestMessageKeepsTheHint(t *testing.T) {
	t.Parallel()
	const tail = ", hint: [1718000002], from ip: 203.0.113.7, more info at https://open.work.weixin.qq.com/devtool/query?e=1"
	for code, want := range map[int64]string{
		40003: "invalid userid (hint 1718000002)",
		60020: "invalid userid (hint 1718000002) (from 203.0.113.7)",
	} {
		require.Equal(t, want, shorten(outcome{code: code, message: "invalid userid" + tail}))
	}
	require.Equal(t, "plain", shorten(outcome{code: 1, message: "plain"}))
	require.Empty(t, shorten(outcome{code: 1}))
}
