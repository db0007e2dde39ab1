package main

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store/storetest"
	"syncd/internal/vendorsim/dingtalk"
	"syncd/internal/vendorsim/scrm"
)

// newVendorSiteIn is a site whose one source is described by lines of YAML, in which
// %s is the vendor's URL. Its database is there, new and perhaps migrated.
func newVendorSiteIn(tb testing.TB, dsn string, vendor http.Handler, env map[string]string, lines string) *site {
	tb.Helper()
	s := &site{t: tb, dsn: dsn}
	s.serve(vendor)
	var err error
	s.pool, err = pgxpool.New(tb.Context(), s.dsn)
	require.NoError(tb, err)
	tb.Cleanup(s.pool.Close)
	s.config = filepath.Join(tb.TempDir(), "syncd.yaml")
	s.env = map[string]string{"DSN": s.dsn}
	maps.Copy(s.env, env)
	s.describe(lines)
	return s
}

// describe writes the configuration of the site's one source.
func (s *site) describe(lines string) {
	s.t.Helper()
	var text strings.Builder
	fmt.Fprint(&text, "database_url: ${DSN}\nlease_ttl: 1m\nlog: {level: trace, format: json}\nsources:\n")
	for i, line := range strings.Split(strings.TrimSpace(fmt.Sprintf(lines, s.vendor.URL)), "\n") {
		if i == 0 {
			fmt.Fprintln(&text, "  - "+strings.TrimSpace(line))
		} else {
			fmt.Fprintln(&text, "    "+strings.TrimPrefix(line, "\t"))
		}
	}
	require.NoError(s.t, os.WriteFile(s.config, []byte(text.String()), 0o600))
}

// scrmSource is a source of the Tanma SCRM without limits.
const scrmSource = `
name: tanma
vendor: scrm
base_url: %s
credentials: {app_id: ` + scrm.DefaultAppID + `, app_key: "${SCRM_APP_KEY}"}
limits: {per_second: 0}
streams:
  chats: {page_size: 20}
`

// newSCRMSite is a site that reads a simulated Tanma SCRM.
func newSCRMSite(tb testing.TB, o scrm.Options) (*site, *scrm.Sim) {
	tb.Helper()
	return newSCRMSiteIn(tb, storetest.DSN(tb), o)
}

func newSCRMSiteIn(tb testing.TB, dsn string, o scrm.Options) (*site, *scrm.Sim) {
	tb.Helper()
	o.AppKey, o.PerSecond = testSecret, -1
	sim, err := scrm.New(o)
	require.NoError(tb, err)
	return newVendorSiteIn(tb, dsn, sim, map[string]string{"SCRM_APP_KEY": testSecret}, scrmSource), sim
}

// dingtalkSource is a source of DingTalk that calls as fast as it likes, but for
// the month.
const dingtalkSource = `
name: ding
vendor: dingtalk
base_url: %s
credentials: {app_key: ` + dingtalk.DefaultAppKey + `, app_secret: "${DINGTALK_SECRET}"}
limits: {per_second: 0, per_month: 5000}
`

// newDingTalkSite is a site that reads a simulated DingTalk.
func newDingTalkSite(tb testing.TB, o dingtalk.Options) (*site, *dingtalk.Sim) {
	tb.Helper()
	return newDingTalkSiteIn(tb, storetest.DSN(tb), o)
}

func newDingTalkSiteIn(tb testing.TB, dsn string, o dingtalk.Options) (*site, *dingtalk.Sim) {
	tb.Helper()
	o.AppSecret = testSecret
	sim, err := dingtalk.New(o)
	require.NoError(tb, err)
	return newVendorSiteIn(tb, dsn, sim, map[string]string{"DINGTALK_SECRET": testSecret}, dingtalkSource), sim
}

// setSCRM writes the configuration of a site of newSCRMSite, with these settings of
// the stream chats.
func (s *site) setSCRM(settings string) {
	s.t.Helper()
	s.describe(strings.Replace(scrmSource, "page_size: 20", strings.ReplaceAll(settings, "%", "%%"), 1))
}
