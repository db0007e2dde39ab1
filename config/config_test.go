package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"
)

// minimal is the shortest configuration there is.
const minimal = `
sources:
  - name: acme-wecom
    vendor: wecom
    credentials: {corp_id: ww1, secret: ${WECOM_SECRET}}
`

// environment is a getenv over a map.
func environment(vars map[string]string) func(string) (string, bool) {
	return func(name string) (string, bool) {
		value, ok := vars[name]
		return value, ok
	}
}

var testVars = map[string]string{
	"WECOM_SECRET": "wecom-s3cr3t", "WECOM_CORP_ID": "ww1",
	"DINGTALK_SECRET": "ding-s3cr3t", "DINGTALK_APP_KEY": "ding1",
	"SCRM_APP_KEY": "scrm-s3cr3t", "SCRM_APP_ID": "app1",
}

// mustParse parses a valid configuration under testVars.
func mustParse(t *testing.T, text string) *Config {
	t.Helper()
	c, err := Parse("syncd.yaml", []byte(text), environment(testVars))
	require.NoError(t, err)
	return c
}

// sameZone lets cmp compare the zones of sources by name.
var sameZone = cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })

func TestMinimalHasTheContractsDefaults(t *testing.T) {
	t.Parallel()
	c := mustParse(t, minimal)

	want := &Config{
		DataDir: "./data", Workers: 4, LeaseTTL: time.Minute,
		HTTP:      HTTP{Listen: "127.0.0.1:8686"},
		Log:       Log{Level: "info", Format: "auto"},
		Retention: Retention{Passes: 400 * 24 * time.Hour, Rejects: 30 * 24 * time.Hour},
		Breaker:   Breaker{Min: 20, Share: 0.2},
		Sources: []Source{{
			Name: "acme-wecom", Vendor: "wecom", BaseURL: "https://qyapi.weixin.qq.com",
			Timezone:    time.FixedZone("Asia/Shanghai", 8*3600),
			Credentials: Credentials{CorpID: "ww1", Secret: NewSecret("wecom-s3cr3t")},
			Limits:      Limits{PerMinute: 3000, PerHour: 60000, Concurrency: 4, Scope: "endpoint"},
			Streams: map[string]Stream{
				"owners":                {Enabled: true, Schedule: mustSchedule("10 5 * * *")},
				"chats":                 {Enabled: true, Schedule: mustSchedule("20 * * * *"), PageSize: 1000},
				"members":               {Enabled: true, Schedule: mustSchedule("*/10 * * * *"), MaxAge: 24 * time.Hour},
				"daily_stats":           {Enabled: true, Schedule: mustSchedule("15 6 * * *"), BackfillDays: 180, LookbackDays: 3, ReadyHour: 6},
				"owner_stats":           {Enabled: true, Schedule: mustSchedule("15 6 * * *"), BackfillDays: 180, LookbackDays: 3, ReadyHour: 6},
				"owner_period_stats":    {Enabled: true, Schedule: mustSchedule("45 6 * * *"), Periods: []int{7, 30}},
				"group_messages":        {Enabled: true, Schedule: mustSchedule("40 * * * *"), BackfillDays: 30, ChatTypes: []string{"group"}},
				"group_message_tasks":   {Enabled: true, Schedule: mustSchedule("45 * * * *"), FollowFor: 7 * 24 * time.Hour},
				"group_message_results": {Enabled: true, Schedule: mustSchedule("50 * * * *"), FollowFor: 7 * 24 * time.Hour},
				"join_ways":             {Enabled: true, Schedule: mustSchedule("30 5 * * *")},
			},
		}},
	}
	require.Empty(t, cmp.Diff(want, c, sameZone))
}

// The contract's own text loads, and says nothing but the defaults.
func TestContractLoads(t *testing.T) {
	t.Parallel()
	c, err := Load("testdata/contract.yaml", environment(testVars))
	require.NoError(t, err)

	want := mustParse(t, `
sources:
  - {name: acme-wecom, vendor: wecom, credentials: {corp_id: ww…, secret: ${WECOM_SECRET}}}
  - {name: acme-dingtalk, vendor: dingtalk, credentials: {app_key: ding…, app_secret: ${DINGTALK_SECRET}}}
  - {name: acme-scrm, vendor: scrm, credentials: {app_id: …, app_key: ${SCRM_APP_KEY}}}
`)
	require.Empty(t, cmp.Diff(want, c, sameZone))
	require.Equal(t, "scrm-s3cr3t", c.Sources[2].Credentials.SignKey.Reveal())
	require.True(t, c.Sources[2].SCRM.SendAppKey)
	require.True(t, c.DatabaseURL.Empty())
}

func TestEveryKeyArrives(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
database_url: postgres://u:p@h/db
data_dir: /var/lib/syncd
embedded: {bin_dir: /usr/lib/postgresql/bin, port: 5433}
http: {listen: "0.0.0.0:80", token: t0k}
log: {level: debug, format: json}
workers: 9
lease_ttl: 90s
retention: {passes: 1d12h, rejects: 48h}
breaker: {min: 0, share: 1}
sources:
  - name: w
    vendor: wecom
    base_url: http://localhost:9999/x/
    timezone: Europe/Berlin
    credentials: {corp_id: 007, secret: 1e5}
    limits: {per_second: 1, per_minute: 2, per_hour: 3, per_month: 4, concurrency: 5, scope: source}
    owner_ids: [li.lei, 42]
    streams:
      chats: {schedule: "@hourly", page_size: 7}
      owners: {enabled: false}
      members:
      owner_period_stats: {periods: [1]}
      join_ways: {config_ids: [c1, c2]}
  - name: d
    vendor: dingtalk
    credentials: {suite_key: k, suite_secret: s, suite_ticket: t, auth_corp_id: c}
    limits: {reads_share: 0.25}
    streams:
      chats: {full_schedule: "0 0 * * *", relation_types: [crm_customer], query_dsl: '{"a": 1}'}
  - name: s
    vendor: scrm
    credentials: {app_id: a, app_key: b}
    scrm: {sign: hmac-sha256, send_app_key: false}
    streams:
      chats: {page_size: 5, user_ids: [463352988837952], keyword: vip, tag_group_ids: [1, 2], condition_op: 0}
`)
	require.Equal(t, "postgres://u:p@h/db", c.DatabaseURL.Reveal())
	require.Equal(t, "/var/lib/syncd", c.DataDir)
	require.Equal(t, Embedded{BinDir: "/usr/lib/postgresql/bin", Port: 5433}, c.Embedded)
	require.Equal(t, "t0k", c.HTTP.Token.Reveal())
	require.Equal(t, Log{Level: "debug", Format: "json"}, c.Log)
	require.Equal(t, 9, c.Workers)
	require.Equal(t, 90*time.Second, c.LeaseTTL)
	require.Equal(t, Retention{Passes: 36 * time.Hour, Rejects: 48 * time.Hour}, c.Retention)
	require.Equal(t, Breaker{Min: 0, Share: 1}, c.Breaker)

	w, d, s := c.Sources[0], c.Sources[1], c.Sources[2]
	require.Equal(t, "http://localhost:9999/x", w.BaseURL)
	require.Equal(t, "Europe/Berlin", w.Timezone.String())
	require.Equal(t, "007", w.Credentials.CorpID, "digits in a text stay as written")
	require.Equal(t, "1e5", w.Credentials.Secret.Reveal(), "a number in a secret stays as written")
	require.Equal(t, Limits{PerSecond: 1, PerMinute: 2, PerHour: 3, PerMonth: 4, Concurrency: 5, Scope: "source"}, w.Limits)
	require.Equal(t, []string{"li.lei", "42"}, w.OwnerIDs)
	require.Equal(t, "@hourly", w.Streams["chats"].Schedule.String())
	require.Equal(t, 7, w.Streams["chats"].PageSize)
	require.False(t, w.Streams["owners"].Enabled)
	require.Equal(t, 24*time.Hour, w.Streams["members"].MaxAge, "a key without a value is left out")
	require.Equal(t, []int{1}, w.Streams["owner_period_stats"].Periods, "a list takes the default's place")
	require.Equal(t, []string{"c1", "c2"}, w.Streams["join_ways"].ConfigIDs)
	require.Len(t, w.Streams, 10, "streams that are left out keep their defaults")

	require.Equal(t, "k", d.Credentials.SuiteKey)
	require.Equal(t, "t", d.Credentials.SuiteTicket.Reveal())
	require.Equal(t, Limits{PerSecond: 15, PerMonth: 2500, Concurrency: 4, Scope: "endpoint", ReadsShare: 0.25}, d.Limits)
	require.Equal(t, "0 0 * * *", d.Streams["chats"].FullSchedule.String())
	require.Equal(t, []string{"crm_customer"}, d.Streams["chats"].RelationTypes)
	require.JSONEq(t, `{"a": 1}`, d.Streams["chats"].QueryDSL)

	require.Equal(t, SCRM{Sign: "hmac-sha256"}, s.SCRM)
	require.Equal(t, []int64{463352988837952}, s.Streams["chats"].UserIDs)
	require.Equal(t, []int64{1, 2}, s.Streams["chats"].TagGroupIDs)
	require.EqualValues(t, 0, *s.Streams["chats"].ConditionOp)
}

// Two sources of a vendor must not share the slices and maps of its defaults.
func TestSourcesShareNothing(t *testing.T) {
	t.Parallel()
	c := mustParse(t, `
sources:
  - {name: a, vendor: wecom, credentials: {corp_id: x, secret: y}}
  - {name: b, vendor: wecom, credentials: {corp_id: x, secret: y}}
`)
	c.Sources[0].Streams["owner_period_stats"].Periods[0] = 99
	delete(c.Sources[0].Streams, "chats")
	require.Equal(t, 7, c.Sources[1].Streams["owner_period_stats"].Periods[0])
	require.Contains(t, c.Sources[1].Streams, "chats")
	require.Contains(t, vendors["wecom"].streams, "chats")
	require.Equal(t, 7, vendors["wecom"].streams["owner_period_stats"].Periods[0])
}

func TestLoadMissingFile(t *testing.T) {
	t.Parallel()
	_, err := Load(filepath.Join(t.TempDir(), "syncd.yaml"), nil)
	require.ErrorIs(t, err, fs.ErrNotExist)
	require.ErrorContains(t, err, "--config")
}

func TestLoadNamesTheFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "broken.yaml")
	require.NoError(t, os.WriteFile(path, []byte("workers: 0\n"), 0o600))
	_, err := Load(path, nil)
	problems, ok := errors.AsType[*Error](err)
	require.True(t, ok)
	require.Equal(t, path, problems.File)
	require.ErrorContains(t, err, path+":1: workers: ")
}

func TestLoadLeavesHugeFilesAlone(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "huge.yaml")
	require.NoError(t, os.WriteFile(path, make([]byte, 3*fileBytesMax), 0o600))
	_, err := Load(path, nil)
	require.ErrorContains(t, err, "huge.yaml:1: the file is larger than 1048576 bytes")
}
