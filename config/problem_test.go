package config

import (
	"errors"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// problemsOf parses text and returns the lines of its error, or nil.
func problemsOf(t *testing.T, text string, vars map[string]string) []string {
	t.Helper()
	c, err := Parse("f", []byte(text), environment(vars))
	if err == nil {
		return nil
	}
	require.Nil(t, c)
	_, ok := errors.AsType[*Error](err)
	require.True(t, ok, "%T", err)
	return strings.Split(err.Error(), "\n")
}

// top is a valid file whose first line is free, and source one whose source ends
// in free lines from line 5 on.
const (
	top    = "\nsources: [{name: a, vendor: wecom, credentials: {corp_id: x, secret: y}}]\n"
	source = "sources:\n  - name: a\n    vendor: wecom\n    credentials: {corp_id: x, secret: y}\n"
)

func TestProblemsAtTheTop(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ line, want string }{
		"unknown key, near":      {"data_dri: x", `f:1: data_dri: unknown key: did you mean "data_dir"?`},
		"unknown key, camel":     {"dataDir: x", `f:1: dataDir: unknown key: did you mean "data_dir"?`},
		"unknown key, far":       {"log: {colour: red}", `f:1: log.colour: unknown key: known here are level, format`},
		"given twice":            {"workers: 1\nworkers: 2", `f:2: workers: is given twice, first on line 1: keep one`},
		"comma in a text, colon": {"http: {token: ab,x9:ef}", `f:1: http: holds a word that is no key: a text with a comma or colon in it needs quotes`},
		"comma in a text":        {"http: {token: ab,cd}", `f:1: http: holds a word that is no key: a text with a comma or colon in it needs quotes`},
		"text for a number":      {"workers: many", `f:1: workers: expected a whole number from 1 to 256, got "many"`},
		"fraction for a number":  {"workers: 1.5", `f:1: workers: expected a whole number from 1 to 256, got "1.5"`},
		"number too large":       {"workers: 257", `f:1: workers: expected a whole number from 1 to 256, got "257"`},
		"number too small":       {"workers: 0", `f:1: workers: expected a whole number from 1 to 256, got "0"`},
		"number out of int64":    {"workers: 99999999999999999999", `f:1: workers: expected a whole number from 1 to 256, got "99999999999999999999"`},
		"list for a number":      {"workers: [1]", `f:1: workers: expected a single value, got a list`},
		"mapping for a text":     {"data_dir: {a: b}", `f:1: data_dir: expected a single value, got a mapping`},
		"truth for a text":       {"data_dir: True", `f:1: data_dir: expected text, got true: put it in quotes`},
		"empty text":             {`data_dir: ""`, `f:1: data_dir: is required and empty: set data_dir`},
		"control character":      {`data_dir: "a\tb"`, `f:1: data_dir: expected one line without control characters, got "a\tb"`},
		"text for a mapping":     {"retention: 400d", `f:1: retention: expected a mapping of keys, got text`},
		"list for a mapping":     {"log: [info]", `f:1: log: expected a mapping of keys, got a list`},
		"one of, near":           {"log: {level: inof}", `f:1: log.level: expected one of trace, debug, info, warn, error (perhaps info), got "inof"`},
		"one of, far":            {"log: {format: text}", `f:1: log.format: expected one of auto, console, json, got "text"`},
		"duration, no unit":      {"lease_ttl: 60", `f:1: lease_ttl: expected a duration from 1s to 1h, such as 90s, 24h or 30d, got "60"`},
		"duration, short":        {"lease_ttl: 999ms", `f:1: lease_ttl: expected a duration from 1s to 1h, such as 90s, 24h or 30d, got "999ms"`},
		"duration, long":         {"lease_ttl: 61m", `f:1: lease_ttl: expected a duration from 1s to 1h, such as 90s, 24h or 30d, got "61m"`},
		"duration, negative":     {"retention: {passes: -400d}", `f:1: retention.passes: expected a duration from 1d to 36500d, such as 90s, 24h or 30d, got "-400d"`},
		"share above 1":          {"breaker: {share: 1.01}", `f:1: breaker.share: expected a number from 0 to 1, got "1.01"`},
		"share not a number":     {"breaker: {share: .nan}", `f:1: breaker.share: expected a number from 0 to 1, got ".nan"`},
		"port":                   {"embedded: {port: 65536}", `f:1: embedded.port: expected a whole number from 0 to 65535, got "65536"`},
		"listen without port":    {"http: {listen: 127.0.0.1}", `f:1: http.listen: expected host:port such as 127.0.0.1:8686`},
		"listen, bad port":       {`http: {listen: "127.0.0.1:http"}`, `f:1: http.listen: expected host:port such as 127.0.0.1:8686`},
		"token off loopback":     {`http: {listen: "0.0.0.0:8686"}`, `f:1: http.token: is required because http.listen can be reached from other machines: set token or token_file, or listen on 127.0.0.1`},
		"token, all addresses":   {`http: {listen: ":8686", token: "${UNSET}"}`, `f:1: http.token: is required because http.listen can be reached from other machines: set token or token_file, or listen on 127.0.0.1`},
		"database, no form":      {"database_url: localhost", `f:1: database_url: expected postgres://user@host/database or key=value pairs`},
		"database, line break":   {`database_url: "postgres://h\n"`, `f:1: database_url: expected one line: it holds a line break or a control character`},
		"truth for a secret":     {"database_url: true", `f:1: database_url: expected text, got true or false: put it in quotes`},
		"variable unset":         {"data_dir: ${NO}", `f:1: data_dir: ${NO} is not set: set this environment variable, or write ${NO:-default}`},
		"variables unset":        {"data_dir: ${NO}/${NEITHER}", `f:1: data_dir: ${NO}, ${NEITHER} is not set: set this environment variable, or write ${NO:-default}`},
		"variable in part":       {"database_url: postgres://u:${NO}@h/d", `f:1: database_url: ${NO} is not set: set this environment variable, or write ${NO:-default}`},
		"variable not closed":    {"data_dir: ${NO", `f:1: data_dir: expected ${VAR} or ${VAR:-default} after a $: write $$ for a plain $ before a {`},
		"variable, bad name":     {`data_dir: "${1}"`, `f:1: data_dir: expected ${VAR} or ${VAR:-default} after a $: write $$ for a plain $ before a {`},
		"variable, wrong value":  {"workers: ${WORD}", `f:1: workers: expected a whole number from 1 to 256, got the value of ${WORD}`},
		"variable in a key":      {"${WORD}: 1", `f:1: holds a word that is no key: a text with a comma or colon in it needs quotes`},
		"anchor":                 {"data_dir: &a x", `f:1: anchors, aliases and tags are not supported: write the value out, in quotes if it begins with one of & * !`},
		"tag":                    {"data_dir: !!str x", `f:1: anchors, aliases and tags are not supported: write the value out, in quotes if it begins with one of & * !`},
		"merge":                  {"<<: {workers: 1}", `f:1: a key must be a plain word`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, []string{test.want}, problemsOf(t, test.line+top, map[string]string{"WORD": "w0rd"}))
		})
	}
}

func TestProblemsOfASource(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ line, want string }{
		"unknown key":             {"bas_url: x", `f:5: sources[0].bas_url: unknown key: did you mean "base_url"?`},
		"another vendor's key":    {"scrm: {sign: x}", `f:5: sources[0].scrm: unknown key: known here are name, vendor, base_url, timezone, credentials, limits, owner_ids, streams`},
		"another vendor's limit":  {"limits: {reads_share: 1}", `f:5: sources[0].limits.reads_share: unknown key: known here are per_second, per_minute, per_hour, per_month, concurrency, scope`},
		"limit":                   {"limits: {per_minute: -1}", `f:5: sources[0].limits.per_minute: expected a whole number from 0 to 1000000, got "-1"`},
		"concurrency":             {"limits: {concurrency: 0}", `f:5: sources[0].limits.concurrency: expected a whole number from 1 to 64, got "0"`},
		"scope":                   {"limits: {scope: app}", `f:5: sources[0].limits.scope: expected one of endpoint, source, got "app"`},
		"zone":                    {"timezone: Asia/Shangai", `f:5: sources[0].timezone: expected a time zone such as Asia/Shanghai, got "Asia/Shangai"`},
		"zone of the host":        {"timezone: Local", `f:5: sources[0].timezone: expected a time zone such as Asia/Shanghai, got "Local"`},
		"zone, a path":            {"timezone: ../../etc/passwd", `f:5: sources[0].timezone: expected a time zone such as Asia/Shanghai, got "../../etc/passwd"`},
		"URL, no scheme":          {"base_url: qyapi.weixin.qq.com", `f:5: sources[0].base_url: expected a URL such as https://api.example.com/path`},
		"URL, empty":              {`base_url: ""`, `f:5: sources[0].base_url: expected a URL such as https://api.example.com/path`},
		"URL, other scheme":       {"base_url: ftp://h", `f:5: sources[0].base_url: expected a URL such as https://api.example.com/path`},
		"URL, port":               {"base_url: https://h:70000", `f:5: sources[0].base_url: expected a port from 1 to 65535 in the URL`},
		"URL, http":               {"base_url: http://10.0.0.1", `f:5: sources[0].base_url: http:// would send the secret unencrypted and is for loopback only: write https://`},
		"URL, nearly loopback":    {"base_url: http://127.0.0.1.example.com", `f:5: sources[0].base_url: http:// would send the secret unencrypted and is for loopback only: write https://`},
		"URL, query":              {"base_url: https://h/?a=b", `f:5: sources[0].base_url: a base URL must hold no ?query and no #fragment`},
		"URL, fragment":           {`base_url: "https://h/#"`, `f:5: sources[0].base_url: a base URL must hold no ?query and no #fragment`},
		"URL, password":           {"base_url: https://u:p4ss@h", `f:5: sources[0].base_url: a URL must hold no user or password: credentials have their own keys`},
		"owners, no list":         {"owner_ids: li.lei", `f:5: sources[0].owner_ids: expected a list such as [a, b], got text`},
		"owner empty":             {`owner_ids: [a, ""]`, `f:5: sources[0].owner_ids[1]: is empty: write a value or delete the item`},
		"owner null":              {"owner_ids: [a, null]", `f:5: sources[0].owner_ids[1]: expected a single value, got nothing`},
		"owner too long":          {"owner_ids: [" + strings.Repeat("x", 65) + "]", `f:5: sources[0].owner_ids[0]: expected at most 64 bytes, got "` + strings.Repeat("x", 60) + `…"`},
		"owner twice":             {"owner_ids:\n    - a\n    - a", `f:7: sources[0].owner_ids[1]: is in the list twice: keep one`},
		"owner, mapping":          {"owner_ids: [{a: b}]", `f:5: sources[0].owner_ids[0]: expected a single value, got a mapping`},
		"stream unknown":          {"streams: {chat: {}}", `f:5: sources[0].streams.chat: unknown key: did you mean "chats"?`},
		"streams, a list":         {"streams: [chats]", `f:5: sources[0].streams: expected a mapping of streams, got a list`},
		"stream, a truth value":   {"streams: {chats: false}", `f:5: sources[0].streams.chats: expected a mapping of keys, got true or false`},
		"another stream's key":    {"streams: {chats: {max_age: 1h}}", `f:5: sources[0].streams.chats.max_age: unknown key: known here are enabled, schedule, page_size`},
		"enabled":                 {"streams: {chats: {enabled: yes}}", `f:5: sources[0].streams.chats.enabled: expected true or false, got "yes"`},
		"page size":               {"streams: {chats: {page_size: 1001}}", `f:5: sources[0].streams.chats.page_size: expected a whole number from 1 to 1000, got "1001"`},
		"schedule empty":          {`streams: {chats: {schedule: ""}}`, `f:5: sources[0].streams.chats.schedule: expected a schedule of five fields, minute hour day month weekday (empty spec string), got ""`},
		"schedule fields":         {`streams: {chats: {schedule: "* *"}}`, `f:5: sources[0].streams.chats.schedule: expected a schedule of five fields, minute hour day month weekday (expected exactly 5 fields, found 2: [* *]), got "* *"`},
		"schedule range":          {`streams: {chats: {schedule: "99 * * * *"}}`, `f:5: sources[0].streams.chats.schedule: expected a schedule of five fields, minute hour day month weekday (end of range (99) above maximum (59): 99), got "99 * * * *"`},
		"schedule zone":           {`streams: {chats: {schedule: "TZ=UTC"}}`, `f:5: sources[0].streams.chats.schedule: expected a schedule of five fields, minute hour day month weekday (a schedule has no zone of its own: set timezone in the source), got "TZ=UTC"`},
		"schedule never":          {`streams: {chats: {schedule: "0 0 30 2 *"}}`, `f:5: sources[0].streams.chats.schedule: expected a schedule of five fields, minute hour day month weekday (this day never comes), got "0 0 30 2 *"`},
		"schedule from variable":  {`streams: {chats: {schedule: "${WORD}"}}`, `f:5: sources[0].streams.chats.schedule: expected a schedule of five fields, minute hour day month weekday, got the value of ${WORD}`},
		"max age":                 {"streams: {members: {max_age: 500ms}}", `f:5: sources[0].streams.members.max_age: expected a duration from 1s to 400d, such as 90s, 24h or 30d, got "500ms"`},
		"hour":                    {"streams: {daily_stats: {ready_hour: 24}}", `f:5: sources[0].streams.daily_stats.ready_hour: expected a whole number from 0 to 23, got "24"`},
		"backfill":                {"streams: {daily_stats: {backfill_days: 181}}", `f:5: sources[0].streams.daily_stats.backfill_days: expected a whole number from 1 to 180, got "181"`},
		"lookback beyond":         {"streams: {daily_stats: {backfill_days: 2}}", `f:5: sources[0].streams.daily_stats.lookback_days: is more than backfill_days (2): days beyond it are never fetched`},
		"period":                  {"streams: {owner_period_stats: {periods: [31]}}", `f:5: sources[0].streams.owner_period_stats.periods[0]: expected a whole number from 1 to 30, got "31"`},
		"period twice":            {"streams: {owner_period_stats: {periods: [7, 7]}}", `f:5: sources[0].streams.owner_period_stats.periods[1]: is in the list twice: keep one`},
		"no period":               {"streams: {owner_period_stats: {periods: []}}", `f:5: sources[0].streams.owner_period_stats.periods: is required and empty: set periods`},
		"second source, same":     {"\n  - {name: a, vendor: wecom, credentials: {corp_id: x, secret: y}}", `f:6: sources[1].name: is the name of sources[0] as well: choose another`},
		"second source, empty":    {"\n  -", `f:6: sources[1]: expected a mapping of keys, got nothing`},
		"name, capital":           {"\n  - {name: A, vendor: wecom, credentials: {corp_id: x, secret: y}}", `f:6: sources[1].name: expected 1 to 63 of a-z 0-9 . _ - beginning with a letter or digit`},
		"name, long":              {"\n  - {name: " + strings.Repeat("x", 64) + ", vendor: wecom, credentials: {corp_id: x, secret: y}}", `f:6: sources[1].name: expected 1 to 63 of a-z 0-9 . _ - beginning with a letter or digit`},
		"vendor unknown":          {"\n  - {name: b, vendor: wecon, credentials: {anything: y}}", `f:6: sources[1].vendor: expected one of wecom, dingtalk, scrm (perhaps wecom), got "wecon"`},
		"vendor unknown, streams": {"\n  - {name: b, vendor: x, streams: {anything: {y: z}}, limits: [], scrm: {y: z}}", `f:6: sources[1].vendor: expected one of wecom, dingtalk, scrm, got "x"`},
		"vendor missing":          {"\n  - {name: b}", `f:6: sources[1].vendor: is required and empty: set vendor`},
		"another vendor's secret": {"\n  - {name: b, vendor: scrm, credentials: {app_id: x, app_key: y, app_secret: z}}", `f:6: sources[1].credentials.app_secret: unknown key: known here are app_id, app_key, app_key_file`},
		"secret empty":            {"\n  - {name: b, vendor: scrm, credentials: {app_id: x, app_key: \"${EMPTY}\"}}", `f:6: sources[1].credentials.app_key: is required and empty: set app_key or app_key_file`},
		"secret, a list":          {"\n  - {name: b, vendor: scrm, credentials: {app_id: x, app_key: [s3cr3t]}}", `f:6: sources[1].credentials.app_key: expected a single value, got a list`},
		"credentials, text":       {"\n  - {name: b, vendor: scrm, credentials: s3cr3t}", `f:6: sources[1].credentials: expected a mapping of keys, got text`},
		"dingtalk, none":          {"\n  - {name: b, vendor: dingtalk}", `f:6: sources[1].credentials: give either app_key and app_secret, or suite_key, suite_secret, suite_ticket and auth_corp_id`},
		"dingtalk, both":          {"\n  - {name: b, vendor: dingtalk, credentials: {app_key: x, suite_key: y}}", `f:6: sources[1].credentials: give either app_key and app_secret, or suite_key, suite_secret, suite_ticket and auth_corp_id`},
		"dingtalk, half":          {"\n  - {name: b, vendor: dingtalk, credentials: {app_key: x}}", `f:6: sources[1].credentials.app_secret: is required beside the other keys of this kind of app`},
		"dingtalk, suite":         {"\n  - {name: b, vendor: dingtalk, credentials: {suite_key: x, suite_secret: y, auth_corp_id: z}}", `f:6: sources[1].credentials.suite_ticket: is required beside the other keys of this kind of app`},
		"relation type":           {"\n  - {name: b, vendor: dingtalk, credentials: {app_key: x, app_secret: y}, streams: {chats: {relation_types: [crm]}}}", `f:6: sources[1].streams.chats.relation_types[0]: expected one of crm_customer, crm_customer_personal, got "crm"`},
		"query":                   {"\n  - {name: b, vendor: dingtalk, credentials: {app_key: x, app_secret: y}, streams: {chats: {query_dsl: \"{\"}}}", `f:6: sources[1].streams.chats.query_dsl: expected a JSON text in single quotes, or ""`},
		"sign":                    {"\n  - {name: b, vendor: scrm, credentials: {app_id: x, app_key: y}, scrm: {sign: md5}}", `f:6: sources[1].scrm.sign: expected one of sha256-concat, hmac-sha256, md5-concat, md5-sorted-params, got "md5"`},
		"user ids":                {"\n  - {name: b, vendor: scrm, credentials: {app_id: x, app_key: y}, streams: {chats: {user_ids: [li]}}}", `f:6: sources[1].streams.chats.user_ids[0]: expected a whole number of at least 1, got "li"`},
		"condition":               {"\n  - {name: b, vendor: scrm, credentials: {app_id: x, app_key: y}, streams: {chats: {condition_op: and}}}", `f:6: sources[1].streams.chats.condition_op: expected a whole number, got "and"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			vars := map[string]string{"WORD": "w0rd", "EMPTY": ""}
			require.Equal(t, []string{test.want}, problemsOf(t, source+"    "+test.line+"\n", vars))
		})
	}
}

func TestProblemsOfAFile(t *testing.T) {
	t.Parallel()
	noSources := "f:1: sources: no sources: add one, as syncd.example.yaml shows"
	for name, test := range map[string]struct {
		text string
		want []string
	}{
		"empty":             {"", []string{noSources}},
		"only comments":     {"# nothing\n# here\n", []string{noSources}},
		"a text":            {"hello", []string{"f:1: expected a mapping of keys, got text", noSources}},
		"sources null":      {"workers: 1\nsources:\n", []string{"f:2: sources: no sources: add one, as syncd.example.yaml shows"}},
		"sources empty":     {"workers: 1\nsources: []\n", []string{"f:2: sources: no sources: add one, as syncd.example.yaml shows"}},
		"sources a mapping": {"sources: {name: a}", []string{`f:1: sources: expected a list of sources, each beginning with "- name:", got a mapping`}},
		"no credentials": {"\nsources:\n  - name: a\n    vendor: wecom\n", []string{
			"f:3: sources[0].credentials.corp_id: is required and empty: set corp_id",
			"f:3: sources[0].credentials.secret: is required and empty: set secret or secret_file",
		}},
		"two documents": {"workers: 1\n---\nworkers: 2" + top, []string{"f:1: sources: no sources: add one, as syncd.example.yaml shows", "f:3: a second document begins here: keep one and delete the line ---"}},
		"not UTF-8":     {"workers: 1\ndata_dir: \xff\n", []string{"f:2: the line is not UTF-8 text: save the file as UTF-8"}},
		"private use":   {"\n# \U000F0041\n", []string{"f:2: the line holds a private-use character: delete it"}},
		"vendor and URL wrong": {"sources: [{name: a, vendor: x, base_url: http://h}]", []string{
			`f:1: sources[0].vendor: expected one of wecom, dingtalk, scrm, got "x"`,
			`f:1: sources[0].base_url: http:// would send the secret unencrypted and is for loopback only: write https://`,
		}},
		"deep":                {"data_dir: " + strings.Repeat("[", 50) + strings.Repeat("]", 50) + top, []string{"f:1: data_dir: expected a single value, got a list", "f:1: nested too deeply"}},
		"second source wrong": {source + "  - name: b\n    vendor: wecom\n    streams: {chats: {page_size: x}}\n    credentials: {corp_id: x, secret: y}\n", []string{`f:7: sources[1].streams.chats.page_size: expected a whole number from 1 to 1000, got "x"`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			require.Equal(t, test.want, problemsOf(t, test.text, nil))
		})
	}
}

// The library finds syntax errors; the message must name the line and hold
// nothing of it.
func TestBadYAML(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want string
	}{
		"tab":             {"log:\n\tlevel: s3cr3t\n", "f:2: bad YAML: found character"},
		"brace":           {"log: {level: s3cr3t\nworkers: 1\n", "f:2: bad YAML: "},
		"quote":           {"workers: 1\ndata_dir: \"s3cr3t\n", "f:2: bad YAML: could not find end character of double-quoted text"},
		"colon":           {"workers: 1\ndata_dir: s3cr3t: x\n", "f:2: bad YAML: mapping value is not allowed in this context"},
		"indent":          {"sources:\n  - name: a\n s3cr3t: b\n", "f:3: bad YAML: "},
		"pipe in secret":  {"http:\n  token: |s3cr3t\n", "f:2: bad YAML: invalid header option;"},
		"no space, block": {"http:\n  token:s3cr3t\n  listen: x\n", "f:2: bad YAML: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := problemsOf(t, test.text, nil)
			require.Len(t, got, 1)
			require.True(t, strings.HasPrefix(got[0], test.want), got[0])
			require.NotContains(t, got[0], "s3cr3t")
		})
	}
}

func TestAllProblemsAtOnce(t *testing.T) {
	t.Parallel()
	const text = `
workers: none
data_dri: x
http: {listen: nowhere}
log: {level: loud}
retention: {passes: 400}
sources:
  - name: Acme
    vendor: wecom
    base_url: http://example.com
    timezone: Mars
    credentials: {corp_id: ww1, secret: "${NO}"}
    streams:
      chats: {page_size: 5000, schedule: "x"}
      chats: {}
  - vendor: dingtalk
    credentials: {app_key: x}
`
	_, err := Parse("f", []byte(text), nil)
	problems, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	type brief struct {
		line, column int
		key          string
	}
	var got []brief
	for _, p := range problems.Problems {
		require.NotEmpty(t, p.Message)
		got = append(got, brief{p.Line, p.Column, p.Key})
	}
	require.Equal(t, []brief{
		{2, 1, "workers"},
		{3, 1, "data_dri"},
		{4, 8, "http.listen"},
		{5, 7, "log.level"},
		{6, 13, "retention.passes"},
		{8, 5, "sources[0].name"},
		{10, 5, "sources[0].base_url"},
		{11, 5, "sources[0].timezone"},
		{12, 33, "sources[0].credentials.secret"},
		{14, 15, "sources[0].streams.chats.page_size"},
		{14, 32, "sources[0].streams.chats.schedule"},
		{15, 7, "sources[0].streams.chats"},
		{16, 5, "sources[1].name"},
		{17, 5, "sources[1].credentials.app_secret"},
	}, got)
}

func TestNearest(t *testing.T) {
	t.Parallel()
	known := []string{"page_size", "schedule", "enabled", "url"}
	for got, want := range map[string]string{
		"pageSize": "page_size", "page-size": "page_size", "pagesize": "page_size", "pgae_size": "page_size",
		"shedule": "schedule", "enable": "enabled", "ulr": "url",
		"max_age": "", "x": "", "": "", strings.Repeat("schedule", 99): "",
	} {
		require.Equal(t, want, nearest(got, known), got)
	}
}
