package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/config"
	"syncd/internal/fetch"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
	"syncd/internal/vendorsim"
)

// checkup is what `doctor --json` prints.
type checkup struct {
	Health health  `json:"health"`
	Probes []probe `json:"probes"`
}

// doctor runs the doctor and returns its probes by what they are about, and the
// exit code.
func (s *site) doctor() (map[string]probe, int) {
	s.t.Helper()
	r := s.run("doctor", "--json")
	require.NotContains(s.t, r.stdout+r.stderr, testSecret)
	var got checkup
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &got), r)
	byWhat := map[string]probe{}
	worst := healthOK
	for _, p := range got.Probes {
		require.NotContains(s.t, byWhat, p.What)
		byWhat[p.What] = p
		require.NotContains(s.t, p.Found+p.Remedy, "\n")
		if p.Health == healthFail || worst == healthOK {
			worst = p.Health
		}
		if p.Health == healthFail {
			require.NotEqual(s.t, exitOK, r.code, p)
		}
	}
	require.Equal(s.t, worst, got.Health)
	return byWhat, r.code
}

// requireProbe checks the one probe that is out of order.
func (s *site) requireProbe(code int, state health, what, found, remedy string) {
	s.t.Helper()
	probes, got := s.doctor()
	require.Equal(s.t, code, got, probes)
	p, ok := probes[what]
	require.True(s.t, ok, "no probe %s among %v", what, probes)
	require.Equal(s.t, state, p.Health, p)
	require.Contains(s.t, p.Found, found)
	require.Contains(s.t, p.Remedy, remedy)
	for other, p := range probes {
		if other != what {
			require.Equal(s.t, healthOK, p.Health, p)
		}
	}
}

// newPatient is a site in which all is well.
func newPatient(tb testing.TB, o vendorsim.Options) *site {
	tb.Helper()
	s := newSite(tb, o)
	s.treat(s.vendor.URL, "")
	return s
}

// treat writes the configuration, with usual limits.
func (s *site) treat(baseURL, extra string) {
	s.t.Helper()
	text := fmt.Sprintf(`
database_url: ${DSN}
http: {listen: "127.0.0.1:0"}
sources:
  - name: acme
    vendor: wecom
    base_url: %s
    credentials: {corp_id: %s, secret: "${WECOM_SECRET}"}
%s`, baseURL, vendorsim.DefaultCorpID, extra)
	require.NoError(s.t, os.WriteFile(s.config, []byte(text), 0o600))
}

// answer answers an endpoint with body, in place of the vendor.
func (s *site) answer(endpoint, body string) {
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint != endpoint {
			return vendorsim.Verdict{}
		}
		return vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(body)}}
	}})
}

func TestDoctorFindsNothing(t *testing.T) {
	t.Parallel()
	s := newPatient(t, vendorsim.Options{Chats: 30})
	r := s.ok("doctor")
	require.Empty(t, r.stderr)
	var what []string
	for line := range strings.Lines(r.stdout) {
		require.True(t, strings.HasPrefix(line, "ok    "), line)
		require.NotContains(t, line, "→")
		name, _, _ := strings.Cut(strings.TrimPrefix(line, "ok    "), ": ")
		if name == "acme" {
			_, rest, _ := strings.Cut(line, ": ")
			name, _, _ = strings.Cut(rest, ": ")
		}
		what = append(what, name)
	}
	require.Equal(t, []string{
		"config", "http", "database", "encoding", "schema", "permissions", "clock of the database", "leases",
		"account", "credential", "owner list", "chat list", "chat detail", "mass messages", "clock of the vendor", "budget",
	}, what)
	for endpoint, calls := range s.sim.Calls() {
		require.LessOrEqual(t, calls.Calls, 1, endpoint)
	}
	probes, code := s.doctor()
	require.Equal(t, exitOK, code)
	require.Len(t, probes, len(what))
	require.Equal(t, "3000 calls a minute (the vendor's: 10000), 60000 calls an hour (the vendor's: 150000) per endpoint",
		probes["acme: budget"].Found)
}

func TestDoctorOfTheVendor(t *testing.T) {
	t.Parallel()
	t.Run("wrong secret", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.env["WECOM_SECRET"] = "of another app"
		s.requireProbe(exitLate, healthFail, "acme: credential", "40001", "check corp_id and secret")
		require.Equal(t, 1, s.calls(), "nothing else is tried, nothing is repeated")
		require.NotContains(t, s.run("doctor").stdout, "of another app")
	})
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.treat("http://"+silentPort(t), "")
		s.requireProbe(exitLate, healthFail, "acme: credential", "connection refused", "can be reached from here: DNS, proxy, firewall")
	})
	t.Run("something else answers", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.answer(vendorsim.EndpointToken, "<html>please log in</html>")
		s.requireProbe(exitLate, healthFail, "acme: credential", "not json", "base_url ("+s.vendor.URL+")")
	})
	t.Run("forbidden", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.answer(vendorsim.EndpointChatGet, `{"errcode":48002,"errmsg":"api forbidden"}`)
		s.requireProbe(exitLate, healthFail, "acme: chat detail", "48002", "可调用接口的应用")
	})
	t.Run("not this address", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.answer(vendorsim.EndpointFollowUsers, `{"errcode":60020,"errmsg":"not allow to access from your ip, hint: [1], from ip: 203.0.113.7, more"}`)
		s.requireProbe(exitLate, healthFail, "acme: owner list", "203.0.113.7", "企业可信IP")
	})
	t.Run("nobody visible", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.answer(vendorsim.EndpointFollowUsers, `{"errcode":0,"errmsg":"ok","follow_user":[]}`)
		s.requireProbe(exitOK, healthWarn, "acme: owner list", "0 people", "可见范围")
	})
	t.Run("budget spent", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.answer(vendorsim.EndpointChatGet, `{"errcode":45009,"errmsg":"api freq out of limit"}`)
		s.requireProbe(exitOK, healthWarn, "acme: chat detail", "45009", "used up")
	})
	t.Run("large range", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 30, VisibleMax: 1})
		s.requireProbe(exitOK, healthOK, "acme: chat list", "more than 1000 people are visible (81017)", "")
	})
	t.Run("another time", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.sim.SetScript(vendorsim.Script{OnRequest: func(context.Context, vendorsim.Request) vendorsim.Verdict {
			return vendorsim.Verdict{Edit: func(a *vendorsim.Answer) {
				a.Header = http.Header{"Date": {time.Now().Add(-time.Hour).UTC().Format(http.TimeFormat)}}
			}}
		}})
		s.requireProbe(exitLate, healthFail, "acme: clock of the vendor", "behind ours", "NTP")
	})
	t.Run("limits", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.treat(s.vendor.URL, "    limits: {per_minute: 20000, per_hour: 0}\n")
		s.requireProbe(exitOK, healthWarn, "acme: budget", "20000 calls a minute (the vendor's: 10000), no limit an hour",
			"set limits.per_minute below 10000 and set limits.per_hour below 150000")
	})
}

func TestDoctorOfTheDatabase(t *testing.T) {
	t.Parallel()
	t.Run("unreachable", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.env["DSN"] = "postgres://u:hunter2@127.0.0.1:1/d"
		s.requireProbe(exitLate, healthFail, "database", "connection refused", "server of database_url runs")
		require.NotContains(t, s.run("doctor").stdout, "hunter2")
	})
	t.Run("no schema", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.env["DSN"] = storetest.EmptyDSN(t)
		s.requireProbe(exitOK, healthWarn, "schema", "none yet", "syncd migrate up")
		s.ok("migrate", "up")
		s.ok("doctor")
	})
	t.Run("old schema", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		want, err := store.SchemaVersion()
		require.NoError(t, err)
		s.ok("migrate", "down", "--yes")
		s.requireProbe(exitLate, healthFail, "schema", fmt.Sprintf("; this syncd wants %d", want), "syncd migrate up")
	})
	t.Run("newer schema", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.exec("insert into sync.schema_version (version_id, is_applied) values (9999, true)")
		s.requireProbe(exitLate, healthFail, "schema", "at version 9999", "install the version of syncd that migrated it")
	})
	t.Run("no right to write", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.exec(`create role doctored login;
			grant usage on schema sync, groupchat, bi, river to doctored;
			grant select on all tables in schema sync, groupchat to doctored`)
		t.Cleanup(func() { s.exec("drop owned by doctored; drop role doctored") })
		s.connectAs("doctored")
		s.requireProbe(exitLate, healthFail, "permissions", `user "doctored" lacks select on bi.`, `grant select, insert, update, delete`)
		probes, _ := s.doctor()
		require.Regexp(t, ` and \d+ more$`, probes["permissions"].Found)
	})
	t.Run("a right to write, as the remedy gives it", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.exec("create role remedied login")
		t.Cleanup(func() { s.exec("drop owned by remedied; drop role remedied") })
		s.connectAs("remedied")
		probes, _ := s.doctor()
		grants := strings.TrimPrefix(probes["permissions"].Remedy, "as the owner of the schemas: ")
		grants, _, found := strings.Cut(grants, "; or connect as that owner")
		require.True(t, found, probes["permissions"].Remedy)
		s.exec(grants)
		s.requireProbe(exitOK, healthOK, "permissions", "may write; migrations of a later version need", "")
		s.ok("sync")
		s.ok("sync", "--full")
		s.ok("status")
		s.ok("migrate", "up")
	})
	t.Run("no right to look", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.exec("create role blind login")
		t.Cleanup(func() { s.exec("drop role blind") })
		s.connectAs("blind")
		probes, code := s.doctor()
		require.Equal(t, exitLate, code)
		require.Equal(t, healthFail, probes["schema"].Health)
		require.Contains(t, probes["schema"].Found, "permission denied")
		require.Contains(t, probes["permissions"].Found, "lacks usage on schema")
	})
	t.Run("no right to create", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.env["DSN"] = storetest.EmptyDSN(t)
		s.exec("create role guesting login")
		t.Cleanup(func() { s.exec("drop role guesting") })
		s.connectAs("guesting")
		probes, code := s.doctor()
		require.Equal(t, exitLate, code)
		require.Equal(t, healthFail, probes["permissions"].Health)
		require.Contains(t, probes["permissions"].Remedy, "grant create on database")
	})
	t.Run("read-only", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.env["DSN"] += "&default_transaction_read_only=on"
		s.requireProbe(exitLate, healthFail, "permissions", "takes no writes", "name the primary in database_url")
	})
	t.Run("encoding", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.exec("create database doctored_ascii encoding 'SQL_ASCII' locale 'C' template template0")
		t.Cleanup(func() { s.exec("drop database doctored_ascii with (force)") })
		u, err := url.Parse(s.dsn)
		require.NoError(t, err)
		u.Path = "/doctored_ascii"
		s.env["DSN"] = u.String()
		s.ok("migrate", "up")
		s.requireProbe(exitLate, healthFail, "encoding", "SQL_ASCII", "encoding 'UTF8'")
	})
	t.Run("leases", func(t *testing.T) {
		t.Parallel()
		s := newPatient(t, vendorsim.Options{Chats: 3})
		s.exec(`insert into sync.lease (source, stream, holder, fence, taken_at, expires_at) values
			('acme', 'owners', 'host pid 1', 1, now() - interval '1 minute', now() + interval '110 seconds'),
			('acme', 'chats', 'host pid 2', 1, now() - interval '3 hours', now() - interval '2 hours'),
			('acme', 'members', 'host pid 3', 1, now() - interval '7 hours', now() + interval '110 seconds'),
			('acme', 'stats', 'host pid 4', 1, now(), now() + interval '3 hours'),
			('acme', 'free', 'host pid 5', 1, now(), '-infinity')`)
		probes, code := s.doctor()
		require.Equal(t, exitOK, code)
		require.Equal(t, healthOK, probes["lease of acme/owners"].Health)
		require.Regexp(t, `^host pid 1 has it for \d+m\d+s$`, probes["lease of acme/owners"].Found)
		require.Empty(t, probes["lease of acme/owners"].Remedy)
		require.Equal(t, healthWarn, probes["lease of acme/chats"].Health)
		require.Regexp(t, `^host pid 2 ended without giving it back, 2h\d+m\d+s ago$`, probes["lease of acme/chats"].Found)
		require.Equal(t, "syncd sync acme/chats goes on from there", probes["lease of acme/chats"].Remedy)
		require.Equal(t, healthWarn, probes["lease of acme/members"].Health)
		require.Regexp(t, `^host pid 3 has it for 7h\d+m\d+s$`, probes["lease of acme/members"].Found)
		require.Contains(t, probes["lease of acme/stats"].Remedy, "short lease_ttl")
		require.NotContains(t, probes, "lease of acme/free")
		require.NotContains(t, probes, "leases")
	})
}

func (s *site) exec(sql string) {
	s.t.Helper()
	// Of its own context: cleanups run after the test's has ended.
	conn, err := pgx.Connect(context.Background(), s.dsn)
	require.NoError(s.t, err)
	_, err = conn.Exec(context.Background(), sql)
	require.NoError(s.t, err, sql)
	require.NoError(s.t, conn.Close(context.Background()))
}

// connectAs makes the configuration's database user another one.
func (s *site) connectAs(user string) {
	s.t.Helper()
	u, err := url.Parse(s.env["DSN"])
	require.NoError(s.t, err)
	u.User = url.User(user)
	s.env["DSN"] = u.String()
}

func TestDoctorOfAPrivateDatabase(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 20})
	probes, code := s.doctor()
	require.Equal(t, exitOK, code, probes)
	require.Contains(t, probes["database"].Found, "private and started for this look")
	require.Contains(t, probes["disk"].Found, " left for "+s.dataDir)
	require.Equal(t, "none yet", probes["schema"].Found)
	requireStopped(t, s.dataDir)

	inside, answer := make(chan struct{}), make(chan struct{})
	release := sync.OnceFunc(func() { close(answer) })
	defer release()
	s.atCall(vendorsim.EndpointChatGet, 10, func(context.Context) {
		close(inside)
		<-answer
	})
	s.env[waitsLong] = "1"
	worker := s.start("sync")
	<-inside
	probes, code = s.doctor()
	release()
	require.Equal(t, exitOK, code, probes)
	require.Contains(t, probes["database"].Found, "private and run by another process")
	require.Contains(t, probes["lease of acme/members"].Found, "has it for")
	require.Equal(t, exitOK, worker.wait().code)

	s.configure("embedded: {bin_dir: " + t.TempDir() + "}")
	probes, code = s.doctor()
	require.Equal(t, exitLate, code)
	for _, way := range []string{"apt-get install postgresql", "embedded.bin_dir", "database_url to a server"} {
		require.Contains(t, probes["database"].Found, way)
	}
}

func TestDoctorOfABadConfiguration(t *testing.T) {
	t.Parallel()
	s := newPatient(t, vendorsim.Options{Chats: 3})
	s.treat("ftp://example.invalid", "    limits: {per_minute: many}\n")
	probes, code := s.doctor()
	require.Equal(t, exitUsage, code)
	require.Equal(t, probe{healthFail, "config", "2 problems", "mend what is listed on standard error"}, probes["config"])
	require.Len(t, probes, 1)
	r := s.run("doctor")
	require.Contains(t, r.stderr, "sources[0].base_url")
	require.Contains(t, r.stderr, "sources[0].limits.per_minute")
	require.Zero(t, s.calls())
}

func TestDoctorIsInterrupted(t *testing.T) {
	t.Parallel()
	s := newPatient(t, vendorsim.Options{Chats: 3})
	hanging := make(chan struct{})
	s.atCall(vendorsim.EndpointChatList, 1, func(ctx context.Context) {
		close(hanging)
		<-ctx.Done()
	})
	run := s.begin("doctor")
	<-hanging
	run.signals <- os.Interrupt
	r := run.wait()
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stderr, "syncd: interrupted")
	require.Contains(t, r.stdout, "ok    database: ")
}

func TestProbesJudge(t *testing.T) {
	t.Parallel()
	require.Equal(t, healthFail, probeServer(&database{}, store.Health{VersionNum: 140011, Version: "14.11"}).Health)
	require.Equal(t, healthOK, probeServer(&database{}, store.Health{VersionNum: 150000}).Health)

	for ahead, want := range map[time.Duration]health{
		0: healthOK, 4 * time.Second: healthOK, -6 * time.Second: healthWarn, 4 * time.Minute: healthWarn, -5 * time.Minute: healthFail,
	} {
		require.Equal(t, want, probeClock("clock", ahead).Health, ahead)
	}
	require.Equal(t, "6s behind ours", probeClock("clock", -6*time.Second).Found)
	require.Zero(t, settle(store.Health{ClockAhead: 8 * time.Second, ClockWithin: 20 * time.Second}), "a slow answer tells nothing")
	require.Equal(t, 8*time.Second, settle(store.Health{ClockAhead: 8 * time.Second, ClockWithin: time.Second}))

	for free, want := range map[uint64]probe{
		100 << 20:  {healthFail, "disk", "100 MiB left for d", "make room before PostgreSQL stops for want of it"},
		1536 << 20: {healthWarn, "disk", "1.5 GiB left for d", "make room, or move data_dir to a larger disk"},
		70 << 30:   {healthOK, "disk", "70 GiB left for d", ""},
	} {
		require.Equal(t, want, judgeDisk("d", free))
	}
	require.Equal(t, "acme: budget: no limits per source", func() string {
		p := (&source{Source: config.Source{Name: "acme", Limits: config.Limits{Scope: "source"}}, client: unlimited{}}).probeLimits()
		return p.What + ": " + p.Found
	}())
}

// unlimited is a vendor that publishes no limits.
type unlimited struct{ vendorClient }

func (unlimited) Documented() fetch.Limits { return fetch.Limits{} }
