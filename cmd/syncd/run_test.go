package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/config"
	"syncd/internal/vendorsim"
)

// daemonSite is a site whose processes have a data_dir of their own, and whose
// configuration changes.
type daemonSite struct {
	*site
	dataDir string
}

func newDaemonSite(t *testing.T, o vendorsim.Options) *daemonSite {
	t.Helper()
	s := &daemonSite{site: newSite(t, o), dataDir: t.TempDir()}
	s.configure("")
	return s
}

// configure writes the configuration with more lines: of the source, or after it.
// Each stream runs when it is new, and then not before half a year has passed: no
// test meets a second run by chance.
func (s *daemonSite) configure(extra string) {
	s.t.Helper()
	s.site.configure(s.vendor.URL, extra)
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	seldom := fmt.Sprintf(`schedule: "0 0 1 %d *"`, time.Now().AddDate(0, 6, 0).Month())
	lines := "chats: {page_size: 100, " + seldom + "}\n"
	for _, stream := range []string{"owners", "members"} {
		if !strings.Contains(extra, stream+":") {
			lines += "      " + stream + ": {" + seldom + "}\n"
		}
	}
	require.Contains(s.t, string(text), "chats: {page_size: 100}\n")
	changed := strings.Replace(string(text), "chats: {page_size: 100}\n", lines, 1)
	s.write("syncd.yaml", "data_dir: "+s.dataDir+"\nhttp: {listen: \"127.0.0.1:0\"}\n"+changed)
}

// write is that of the site, beside its configuration.
func (s *daemonSite) write(name, text string) {
	s.t.Helper()
	require.NoError(s.t, os.WriteFile(filepath.Join(filepath.Dir(s.config), name), []byte(text), 0o600))
}

// daemon starts the daemon in this process.
func (s *daemonSite) daemon() (d *running, hangups chan os.Signal) {
	s.t.Helper()
	hangups = make(chan os.Signal, 1)
	d = begin(s.t, func(h *host) { h.getenv, h.hangups = s.getenv, hangups }, "run", "--config", s.config)
	s.t.Cleanup(func() { // whatever the test came to
		select {
		case d.signals <- syscall.SIGTERM:
		default:
		}
	})
	return d, hangups
}

// until waits for a condition in the database.
func (s *daemonSite) until(what, condition string) {
	s.t.Helper()
	eventually(s.t, what, func() error {
		var met bool
		if err := s.pool.QueryRow(s.t.Context(), "select "+condition).Scan(&met); err != nil {
			return err
		}
		if !met {
			return errNotYet
		}
		return nil
	})
}

// complete is that all streams of a source have been read completely.
const complete = `count(distinct stream) = 3 from sync.pass where source = '%s' and outcome = 'complete' and trigger = 'schedule'`

// The daemon reads everything, each stream after those that it needs, and ends
// well when it is told to.
func TestRunSyncsBySchedule(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 60})
	secrets := newLeaks(testSecret, s.dsn)
	d, _ := s.daemon()
	s.until("everything to be read", fmt.Sprintf(complete, "acme"))
	s.sameAsTruth()
	d.signals <- syscall.SIGTERM
	r := d.wait()
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stderr, `"message":"syncd has stopped"`)
	require.Contains(t, r.stderr, `"stream":"members"`)
	for form, what := range secrets.forms {
		require.NotContains(t, strings.ToLower(r.stderr), form, what)
	}
	s.until("the schedules to be in the future", `bool_and(next_run_at > now() and outcome = 'done' and error is null) from sync.schedule`)
	s.until("nothing to be left", `count(*) = 0 from river.river_job where state not in ('completed')`)

	// What is due later is not run by a start.
	calls := s.calls()
	d, _ = s.daemon()
	saw(t, d.stderr, "syncd is running")
	d.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, d.wait().code)
	require.Equal(t, calls, s.calls())
}

// Two daemons share the work of two sources. One source's credential is wrong: it
// is paused, and the other does not notice.
func TestRunTogether(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 90}) // one page: details may begin behind the first
	s.configure(fmt.Sprintf(`  - name: broken
    vendor: wecom
    base_url: %s
    credentials: {corp_id: %s, secret: wrong-secret}
`, s.vendor.URL, vendorsim.DefaultCorpID))
	one, _ := s.daemon()
	two, _ := s.daemon()
	s.until("the source to be read", fmt.Sprintf(complete, "acme"))
	s.until("the other one to be paused", `count(*) = 1 from sync.source_health where paused_at is not null and probe_at > now()`)
	for _, d := range []*running{one, two} {
		d.signals <- syscall.SIGTERM
		r := d.wait()
		require.Equal(t, exitOK, r.code, r)
	}
	s.sameAsTruth()
	require.Equal(t, 0, scalar[int](s.site, `select count(*) from sync.pass a join sync.pass b using (source, stream)
		where a.pass_id < b.pass_id and a.mode = b.mode and b.started_at < a.finished_at and a.source = 'acme'`))
	require.Zero(t, scalar[int](s.site, `select count(*) from river.river_job where errors::text like '%wrong-secret%'`))
	require.NotContains(t, one.stderr.String()+two.stderr.String(), "wrong-secret")
}

// A hangup reads the configuration again; a wrong one stays out of force, and a
// source that has left keeps its data.
func TestRunReloads(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 20})
	d, hangups := s.daemon()
	s.until("everything to be read", fmt.Sprintf(complete, "acme"))

	s.configure("      owners: {schedule: \"61 * * * *\"}\n")
	hangups <- syscall.SIGHUP
	saw(t, d.stderr, "the one before stays in force")
	require.Contains(t, d.stderr.String(), "streams.owners.schedule")
	s.until("nothing to change", `count(*) = 0 from sync.schedule where not enabled or expression like '61%'`)

	s.configure("      owners: {schedule: \"7 3 * * *\"}\n      members: {enabled: false}\n")
	hangups <- syscall.SIGHUP
	saw(t, d.stderr, "the configuration is reloaded")
	s.until("the changes", `count(*) filter (where not enabled and stream = 'members') = 1
		and count(*) filter (where expression = '7 3 * * *' and enabled) = 1 from sync.schedule`)
	require.Equal(t, exitUsage, s.run("reload", "--log-level", "loud").code)

	// Another source takes its place: what was read stays.
	text, err := os.ReadFile(s.config)
	require.NoError(t, err)
	s.write("syncd.yaml", strings.Replace(string(text), "- name: acme\n", "- name: other\n", 1))
	hangups <- syscall.SIGHUP
	s.until("the other source to be read", `count(distinct stream) = 2 from sync.pass where source = 'other' and outcome = 'complete'`)
	s.until("the first one to be out of use", `count(*) = 0 from sync.schedule where source = 'acme' and enabled`)
	require.False(t, scalar[bool](s.site, `select enabled from sync.source where source = 'acme'`))
	require.Equal(t, 20, scalar[int](s.site, `select count(*) from groupchat.chat where source = 'acme'`))
	d.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, d.wait().code)

	// Another account is not let in under a name that is known.
	s.write("syncd.yaml", strings.Replace(string(text), vendorsim.DefaultCorpID, "ww0000000000000000", 1))
	d, _ = s.daemon()
	r := d.wait()
	require.Equal(t, exitUsage, r.code)
	require.Contains(t, r.stderr, "acme: credentials.corp_id: ")
}

// Whoever mends what a source waits for, and reloads, need not wait for the time
// that it was told.
func TestReloadGoesOnAtOnce(t *testing.T) {
	t.Parallel()
	edit := func(s *daemonSite, old, with string) {
		text, err := os.ReadFile(s.config)
		require.NoError(s.t, err)
		require.Contains(s.t, string(text), old)
		s.write("syncd.yaml", strings.Replace(string(text), old, with, 1))
	}
	const paused = "count(*) = 1 from sync.source_health where paused_at is not null and probe_at > now() + interval '1 minute'"
	for name, c := range map[string]struct {
		spoil func(*daemonSite)
		waits string
		mend  func(*daemonSite)
	}{
		"another secret": {
			spoil: func(s *daemonSite) { edit(s, "${WECOM_SECRET}", "wrong-secret") },
			waits: paused,
			mend:  func(s *daemonSite) { edit(s, "wrong-secret", "${WECOM_SECRET}") },
		},
		"the same secret, which the vendor takes again": {
			spoil: func(s *daemonSite) {
				s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
					if r.Endpoint != vendorsim.EndpointToken {
						return vendorsim.Verdict{}
					}
					return vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(`{"errcode":40001,"errmsg":"invalid credential"}`)}}
				}})
			},
			waits: paused,
			mend:  func(s *daemonSite) { s.undisturbed() },
		},
		"more calls": {
			spoil: func(s *daemonSite) { edit(s, "per_hour: 0", "per_hour: 20") },
			waits: "count(*) = 1 from sync.schedule where outcome = 'later' and resume_at > now() + interval '1 minute'",
			mend:  func(s *daemonSite) { edit(s, "per_hour: 20", "per_hour: 0") },
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newDaemonSite(t, vendorsim.Options{Chats: 40})
			c.spoil(s)
			d, hangups := s.daemon()
			s.until("it to wait", c.waits)
			s.until("all slices to have ended", "count(*) = 0 from river.river_job where state in ('available', 'running')")
			c.mend(s)
			hangups <- syscall.SIGHUP
			s.until("everything to be read", fmt.Sprintf(complete, "acme"))
			s.until("nothing to wait", "count(*) = 0 from sync.source_health where paused_at is not null or resume_at is not null")
			d.signals <- syscall.SIGTERM
			require.Equal(t, exitOK, d.wait().code)
			s.sameAsTruth()
		})
	}
}

// A daemon in a process of its own is found and told to reload.
func TestReloadTellsTheProcess(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 20})
	r := s.run("reload")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stderr, "no syncd run works with this data_dir")

	c := s.start("run")
	saw(t, &c.stderr, "syncd is running")
	// What a dead one left is no process.
	s.write("ignored", "")
	require.NoError(t, os.WriteFile(filepath.Join(s.dataDir, daemonDir, "1.pid"), nil, 0o600))
	r = s.ok("reload")
	require.Equal(t, fmt.Sprintf("process %d was told to reload; its log says whether it did\n", c.cmd.Process.Pid), r.stdout)
	saw(t, &c.stderr, "the configuration is reloaded")
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, exitOK, c.wait().code)
	require.Equal(t, exitFailed, s.run("reload").code)
}

// A hangup while the daemon starts, before it can read a configuration again, does
// not end it.
func TestHangupWhileTheDaemonStarts(t *testing.T) {
	t.Parallel()
	silent, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, silent.Close()) })
	s := newDaemonSite(t, vendorsim.Options{Chats: 3})
	s.env["DSN"] = "postgres://u:p@" + silent.Addr().String() + "/d?sslmode=disable"
	c := s.start("run")
	conn, err := silent.Accept()
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	r := c.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stderr, "syncd: interrupted")
}

// The page in hand is committed when the daemon is told to stop, and the next one
// goes on behind it.
func TestRunStopsWithThePageInHand(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 60})
	hanging, answer := make(chan struct{}), make(chan struct{})
	s.fromCall(vendorsim.EndpointChatGet, 20, func(ctx context.Context) {
		close(hanging)
		select {
		case <-answer:
		case <-ctx.Done():
		}
	})
	c := s.start("run")
	<-hanging
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	saw(t, &c.stderr, stopping)
	close(answer)
	r := c.wait()
	require.Equal(t, exitOK, r.code, r)
	asked := s.sim.Calls()[vendorsim.EndpointChatGet].Calls
	require.Equal(t, asked, scalar[int](s.site, "select count(*) from sync.item where fetched_at is not null"))
	s.undisturbed()
	d, _ := s.daemon()
	s.until("everything to be read", fmt.Sprintf(complete, "acme"))
	d.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, d.wait().code)
	s.sameAsTruth()
	require.Equal(t, 60, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
}

// The second signal drops the pages in hand.
func TestSecondSignalEndsTheDaemon(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 60})
	hanging := make(chan struct{})
	s.atCall(vendorsim.EndpointChatGet, 1, func(ctx context.Context) {
		close(hanging)
		<-ctx.Done()
	})
	d, _ := s.daemon()
	<-hanging
	d.signals <- syscall.SIGTERM
	saw(t, d.stderr, stopping)
	d.signals <- syscall.SIGTERM
	r := d.wait()
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stderr, "interrupted")
}

// A source keeps its client through a reload that does not concern it.
func TestSameClient(t *testing.T) {
	t.Parallel()
	parse := func(edit ...string) config.Source {
		text := `sources: [{name: a, vendor: wecom, credentials: {corp_id: c, secret: one}, owner_ids: [x],
			streams: {chats: {schedule: "1 * * * *", page_size: 10}, members: {max_age: 1h}}}]`
		cfg, err := config.Parse("f", []byte(strings.NewReplacer(edit...).Replace(text)), func(string) (string, bool) { return "", false })
		require.NoError(t, err)
		return cfg.Sources[0]
	}
	require.True(t, sameClient(parse(), parse()))
	require.True(t, sameClient(parse(), parse("1 * * * *", "2 * * * *")))
	for _, edit := range [][]string{
		{"secret: one", "secret: two"},
		{"corp_id: c", "corp_id: d"},
		{"[x]", "[x, y]"},
		{"page_size: 10", "page_size: 11"},
		{"max_age: 1h", "max_age: 2h"},
		{"name: a", "name: a, timezone: UTC"},
		{"name: a", "name: a, limits: {per_minute: 1}"},
		{"max_age: 1h", "max_age: 1h, enabled: false"},
	} {
		require.False(t, sameClient(parse(), parse(edit...)), "%v", edit)
	}
}
