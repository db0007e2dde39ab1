package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
	"syncd/internal/vendorsim"
)

// Bad usage and bad configuration end with 64, say what to do, call nobody and
// write nothing.
func TestBadUsage(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 3})
	s.configure(s.vendor.URL, "      owners: {enabled: false}\n")
	dingtalk := s.write("dingtalk.yaml", `
database_url: ${DSN}
sources:
  - name: acme
    vendor: dingtalk
    credentials: {app_key: ding1, app_secret: "${WECOM_SECRET}"}
`)
	mixed := s.write("mixed.yaml", `
database_url: ${DSN}
sources:
  - name: acme
    vendor: dingtalk
    credentials: {corp_id: ww1, secret: "${WECOM_SECRET}"}
    streams: {owners: {schedule: "10 5 * * *"}}
`)
	for _, c := range []struct {
		args string
		says string
	}{
		{"", "expected one of"},
		{"sing", "unexpected argument sing"},
		{"sync --wat", "unknown flag --wat"},
		{"sync --config", "expected file value"},
		{"sync --log-level loud", "--log-level"},
		{"sync --log-format xml", "--log-format"},
		{"sync --config /nowhere/syncd.yaml", "syncd.example.yaml there"},
		{"sync --config " + filepath.Dir(s.config), "is a directory"},
		{"sync other", "other: no such source in the configuration; it has acme"},
		{"sync acme other/chats", "other/chats: no such source"},
		{"sync acme/chat", "acme/chat: no such stream, or it is switched off; acme has chats, members"},
		{"sync acme/owners", "acme/owners: no such stream, or it is switched off"},
		{"sync acme/", "acme/: no such stream"},
		{"sync acme/owners --config " + dingtalk, "acme/owners: no such stream, or it is switched off; acme has group_sets, chats, "},
		{"sync --config " + mixed, "app_secret"},
		{"sync --config " + mixed, "owners"},
		{"status extra", "unexpected argument extra"},
		{"migrate", "expected one of"},
		{"migrate down", "repeat it with --yes"},
		{"migrate sideways", "unexpected argument sideways"},
		{"sim --listen 0.0.0.0:0", "serves loopback only"},
		{"sim --listen :0", "serves loopback only"},
		{"sim --listen [::]:0", "serves loopback only"},
		{"sim --listen example.com:0", "serves loopback only"},
		{"sim --listen 127.0.0.1", "want host:port"},
		{"sim --chats=-1", "chats is -1"},
		{"sim --start yesterday", "--start"},
		{"demo --once --chats=-1", "chats is -1"},
	} {
		args := strings.Fields(c.args)
		if len(args) > 0 && !strings.Contains(c.args, "--config") && args[0] != "sim" && args[0] != "demo" {
			args = append(args, "--config", s.config)
		}
		r := command(t, func(h *host) { h.getenv = s.getenv }, args...)
		require.Equal(t, exitUsage, r.code, "%s: %s", c.args, r)
		require.Contains(t, r.stderr, c.says, c.args)
		require.True(t, strings.HasPrefix(r.stderr, "syncd: "), r)
		require.Empty(t, r.stdout, c.args)
	}
	require.Zero(t, s.calls())
	require.Zero(t, scalar[int](s, "select count(*) from sync.source"))
}

func linesOf(text string) []string { return strings.Split(strings.TrimSpace(text), "\n") }

// write puts a file beside the configuration.
func (s *site) write(name, text string) string {
	s.t.Helper()
	path := filepath.Join(filepath.Dir(s.config), name)
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// calls is how many calls have arrived at the vendor.
func (s *site) calls() int {
	n := 0
	for _, c := range s.sim.Calls() {
		n += c.Calls
	}
	return n
}

func TestEveryProblemOfTheConfigurationAtOnce(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 3})
	path := s.write("bad.yaml", `database_url: ${NO_SUCH_VARIABLE:-}
wokers: 3
lease_ttl: soon
log: {level: loud}
sources:
  - name: acme
    vendor: wecom
    base_url: http://vendor.example
    credentials: {corp_id: ww1, secret: "${NO_SECRET_HERE}"}
    streams:
      chats: {page_size: 5000}
      members: {schedule: "* *"}
  - name: acme
    vendor: wecom
    credentials: {corp_id: ww2, secret: "hunter2\ntwo"}
`)
	for _, args := range [][]string{{"sync"}, {"status"}, {"migrate", "up"}} {
		r := command(t, func(h *host) { h.getenv = s.getenv }, append(args, "--config", path)...)
		require.Equal(t, exitUsage, r.code, r)
		for line, key := range map[int]string{
			2: "wokers", 3: "lease_ttl", 4: "log.level", 8: "sources[0].base_url",
			9: "sources[0].credentials.secret", 11: "sources[0].streams.chats.page_size",
			12: "sources[0].streams.members.schedule", 13: "sources[1].name", 15: "sources[1].credentials.secret",
		} {
			require.Contains(t, r.stderr, fmt.Sprintf("%s:%d: %s: ", path, line, key))
		}
		require.Len(t, linesOf(r.stderr), 9, r)
		require.NotContains(t, r.stderr, "hunter2")
		require.Empty(t, r.stdout)
	}
}

func TestHelpOfEveryCommand(t *testing.T) {
	t.Parallel()
	parser, err := kong.New(&cli{})
	require.NoError(t, err)
	commands := [][]string{nil, {"migrate"}}
	for _, leaf := range parser.Model.Leaves(true) {
		commands = append(commands, strings.Fields(leaf.Path()))
	}
	require.Greater(t, len(commands), 8)
	for _, args := range commands {
		// Path names the arguments, too.
		for i, arg := range args {
			if strings.HasPrefix(arg, "<") || strings.HasPrefix(arg, "[") {
				args = args[:i]
				break
			}
		}
		r := command(t, func(*host) {}, append(args, "--help")...)
		require.Equal(t, exitOK, r.code, "%s: %s", args, r)
		require.True(t, strings.HasPrefix(r.stdout, "Usage: syncd"), r)
		require.Contains(t, r.stdout, "--config=FILE")
		require.Empty(t, r.stderr)
	}
}

func TestVersion(t *testing.T) {
	t.Parallel()
	r := command(t, func(*host) {}, "version")
	require.Equal(t, exitOK, r.code, r)
	require.Regexp(t, `^syncd dev \(go1\.\d+.*\)\n$`, r.stdout)
}

// The configuration is the flag's, or that of the environment, or ./syncd.yaml.
func TestWhichConfiguration(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 3})
	env := func(path string) func(*host) {
		return func(h *host) {
			h.getenv = func(name string) (string, bool) {
				if name == "SYNCD_CONFIG" {
					return path, true
				}
				return s.getenv(name)
			}
		}
	}
	r := command(t, env(s.config), "migrate", "status")
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stdout, "applied")
	r = command(t, env("/nowhere/of/the/environment"), "migrate", "status")
	require.Equal(t, exitUsage, r.code, r)
	require.Contains(t, r.stderr, "/nowhere/of/the/environment")
	r = command(t, env("/nowhere/of/the/environment"), "migrate", "status", "--config", s.config)
	require.Equal(t, exitOK, r.code, r)
	for _, empty := range []func(*host){env(""), func(*host) {}} {
		r = command(t, empty, "migrate", "status")
		require.Equal(t, exitUsage, r.code, r)
		require.Contains(t, r.stderr, "syncd.yaml: no such file")
	}
}

type statusJSON struct {
	Now     time.Time
	Late    bool
	Streams []map[string]any
}

func (s *site) status(at time.Duration) (statusJSON, int) {
	s.t.Helper()
	r := s.runOn(func(h *host) { h.now = func() time.Time { return time.Now().Add(at) } }, "status", "--json")
	require.Empty(s.t, r.stderr)
	var got statusJSON
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &got), r)
	return got, r.code
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	got, code := s.status(0)
	require.Equal(t, exitLate, code)
	require.True(t, got.Late)
	require.Len(t, got.Streams, 3)
	for i, stream := range []string{"owners", "chats", "members"} {
		require.Equal(t, "acme", got.Streams[i]["source"])
		require.Equal(t, stream, got.Streams[i]["stream"])
		require.Equal(t, "never", got.Streams[i]["outcome"])
		require.Equal(t, true, got.Streams[i]["late"])
	}
	table := s.run("status")
	require.Equal(t, exitLate, table.code)
	require.Contains(t, table.stdout, "late: run syncd sync acme/owners")

	s.ok("sync")
	got, code = s.status(0)
	require.Equal(t, exitOK, code)
	require.False(t, got.Late)
	for i, verdict := range []any{"complete", "complete", nil} {
		r := got.Streams[i]
		require.Equal(t, "complete", r["outcome"])
		require.Equal(t, verdict, r["verdict"])
		require.Equal(t, false, r["late"])
		require.InDelta(t, 0, r["lag_seconds"], 3600)
		for _, key := range []string{"started_at", "finished_at", "complete_at", "next_run_at"} {
			at, err := time.Parse(time.RFC3339, fmt.Sprint(r[key]))
			require.NoError(t, err, key)
			require.WithinDuration(t, got.Now, at, 24*time.Hour, key)
		}
		for _, key := range []string{"pass_id", "pages", "rows_read", "rows_changed", "calls"} {
			require.Positive(t, r[key], key)
		}
		require.NotContains(t, r, "error")
		require.NotContains(t, r, "running_by")
	}
	require.InDelta(t, 5, got.Streams[2]["items"], 0)
	require.Equal(t, exitOK, s.run("status").code)

	// Two hours on, two runs of the hourly list and of the members have gone by,
	// none, or one, of the daily owners.
	got, code = s.status(2*time.Hour + time.Minute)
	require.Equal(t, exitLate, code)
	require.True(t, got.Late)
	require.Equal(t, false, got.Streams[0]["late"])
	require.Equal(t, true, got.Streams[1]["late"])
	require.Equal(t, true, got.Streams[2]["late"])
	require.GreaterOrEqual(t, got.Streams[1]["lag_seconds"], 7200.0)
	got, _ = s.status(49 * time.Hour)
	require.Equal(t, true, got.Streams[0]["late"])
	require.InDelta(t, 5, got.Streams[2]["items_overdue"], 0)
}

// What a vendor refuses is in the status, with the exit code of being late.
func TestStatusOfTrouble(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.env["WECOM_SECRET"] = "another one"
	r := s.run("sync")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stdout, "acme/owners: failed")
	require.Contains(t, r.stdout, "40001")
	require.Contains(t, r.stdout, "check corp_id and secret")
	require.NotContains(t, r.stdout, "acme/chats", "the other streams would be refused as well")
	require.Equal(t, 1, s.calls(), "a refused secret is not tried again")
	got, code := s.status(0)
	require.Equal(t, exitLate, code)
	require.Equal(t, "failed", got.Streams[0]["outcome"])
	require.Contains(t, got.Streams[0]["error"], "40001")
	require.Equal(t, "never", got.Streams[1]["outcome"])
}

func TestMigrate(t *testing.T) {
	t.Parallel()
	s := &site{t: t, dsn: storetest.EmptyDSN(t)}
	s.connect(vendorsim.Options{Chats: 3})
	for _, args := range [][]string{{"sync", "--no-migrate"}, {"status"}} {
		r := s.run(args...)
		require.Equal(t, exitFailed, r.code, r)
		require.Contains(t, r.stderr, "run: syncd migrate up")
		require.Empty(t, r.stdout)
		require.Zero(t, scalar[int](s, "select count(*) from pg_namespace where nspname in ('sync', 'groupchat')"))
	}
	require.Zero(t, s.calls())

	r := s.ok("migrate", "status")
	require.Contains(t, r.stdout, "pending")
	require.NotContains(t, r.stdout, "applied")
	r = s.ok("migrate", "up")
	require.Regexp(t, `^ran 00001\S+\.sql\n`, r.stdout)
	r = s.ok("migrate", "up")
	require.Contains(t, r.stdout, "nothing to do")
	r = s.ok("migrate", "status")
	require.Contains(t, r.stdout, "applied 20")
	require.NotContains(t, r.stdout, "pending")

	s.ok("sync", "--no-migrate")
	r = s.run("migrate", "down")
	require.Equal(t, exitUsage, r.code, r)
	require.Equal(t, 3, scalar[int](s, "select count(*) from groupchat.chat"))
	r = s.ok("migrate", "down", "--yes")
	require.Regexp(t, `^undid \d+\S+\.sql\n$`, r.stdout)
	for !strings.Contains(r.stdout, "nothing to do") {
		r = s.ok("migrate", "down", "--yes")
	}
	require.Zero(t, scalar[int](s, "select count(*) from pg_namespace where nspname = 'groupchat'"))

	s.ok("sync") // migrates by itself
	s.sameAsTruth()
}

func TestOlderBinaryRefusesNewerSchema(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 3})
	s.ok("sync")
	s.sim.ResetCalls()
	sums := s.checksums()
	_, err := s.pool.Exec(t.Context(), "insert into sync.schema_version (version_id, is_applied) values (99999, true)")
	require.NoError(t, err)
	for _, args := range []string{
		"sync", "sync --no-migrate", "status", "status --json", "migrate up", "migrate down --yes", "migrate status",
	} {
		r := s.run(strings.Fields(args)...)
		require.Equal(t, exitFailed, r.code, "%s: %s", args, r)
		require.Contains(t, r.stderr, "newer schema than this syncd knows; install that version of syncd", args)
	}
	require.Zero(t, s.calls())
	require.Equal(t, sums, s.checksums())
	require.Equal(t, 1, scalar[int](s, "select count(*) from sync.schema_version where version_id = 99999"))
}

// A source name that comes with another account is refused before anything is
// fetched or written.
func TestSourceKeepsItsAccount(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.ok("sync")
	s.sim.ResetCalls()
	sums, passes := s.checksums(), scalar[int](s, "select count(*) from sync.pass")
	text, err := os.ReadFile(s.config)
	require.NoError(t, err)
	other := bytes.Replace(text, []byte(vendorsim.DefaultCorpID), []byte("ww0000000000000000"), 1)
	require.NotEqual(t, text, other)
	require.NoError(t, os.WriteFile(s.config, other, 0o600))
	for _, args := range [][]string{{"sync"}, {"sync", "--full"}, {"sync", "acme/chats"}, {"plan"}} {
		r := s.run(args...)
		require.Equal(t, exitUsage, r.code, r)
		require.Contains(t, r.stderr, `source "acme" holds data of wecom account "`+vendorsim.DefaultCorpID+`"`)
		require.Contains(t, r.stderr, "give the new account a source name of its own")
	}
	require.Contains(t, s.run("sync").stderr, "acme: credentials.corp_id: ")
	require.Zero(t, s.calls())
	require.Equal(t, sums, s.checksums())
	require.Equal(t, passes, scalar[int](s, "select count(*) from sync.pass"))
	probes, code := s.doctor()
	require.Equal(t, exitLate, code)
	require.Equal(t, healthFail, probes["acme: account"].Health, probes)

	require.NoError(t, os.WriteFile(s.config, text, 0o600))
	s.ok("sync")
}

// Who switches off what another stream needs is told so, instead of waiting for it.
func TestNeedsWhatIsSwitchedOff(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.configure(s.vendor.URL, "      owners: {enabled: false}\n      members: {enabled: true}\n")
	r := s.run("sync")
	require.Equal(t, exitPartial, r.code, r)
	require.Contains(t, r.stdout, "acme/chats: not begun: it needs acme/owners, of which nothing has been read yet "+
		"and which is switched off: switch it on, or this one off as well\n")
	require.Contains(t, r.stdout, "acme/members: not begun: it needs acme/chats, of which nothing has been read yet\n")
	require.Zero(t, s.calls())
}

func TestFull(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 20})
	s.ok("sync")
	sums := s.checksums()
	s.sim.ResetCalls()
	s.ok("sync")
	require.Zero(t, s.sim.Calls()[vendorsim.EndpointChatGet].Calls, "what is fresh is not read again")
	// Somebody has changed a value by hand; only a full read looks past the hashes.
	_, err := s.pool.Exec(t.Context(), "update groupchat.chat_member set name = 'by hand'")
	require.NoError(t, err)
	require.NotEqual(t, sums, s.checksums())
	s.ok("sync", "--full")
	require.Equal(t, 20, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
	require.Equal(t, sums, s.checksums())
}

// One stream can be synced alone, once those it needs have been read, and a stream that is switched off is not.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	r := s.ok("sync", "acme/chats")
	require.Len(t, linesOf(r.stdout), 2, r)
	require.Contains(t, r.stdout, "acme/owners: complete", "chats need owners, who had never been read")
	require.Zero(t, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
	r = s.ok("sync", "acme/chats")
	require.Len(t, linesOf(r.stdout), 1, r)
	require.Equal(t, 1, s.sim.Calls()[vendorsim.EndpointFollowUsers].Calls)
	r = s.ok("sync", "acme/members", "acme/owners")
	lines := linesOf(r.stdout)
	require.Len(t, lines, 2, r)
	require.True(t, strings.HasPrefix(lines[0], "acme/owners: complete"), "dependencies first")
	s.sameAsTruth()
	s.configure(s.vendor.URL, "      members: {enabled: false}\n")
	r = s.ok("sync", "acme")
	require.Len(t, linesOf(r.stdout), 2, r)
	got, _ := s.status(0)
	require.Len(t, got.Streams, 2)
}

// On a pipe there is nothing that only a terminal understands; each log line is
// an object of JSON unless the console format is asked for.
func TestPlainOutput(t *testing.T) {
	t.Parallel()
	for _, format := range []string{"json", "console", "auto"} {
		t.Run(format, func(t *testing.T) {
			t.Parallel()
			s := newSite(t, vendorsim.Options{Chats: 5})
			s.awayOnce()
			for _, args := range [][]string{{"sync"}, {"status"}, {"migrate", "status"}, {"migrate", "up"}} {
				r := s.ok(append(args, "--log-level", "trace", "--log-format", format)...)
				require.NotContains(t, r.stdout+r.stderr, "\x1b", format)
				require.NotContains(t, r.stdout+r.stderr, "\r", format)
				require.NotEmpty(t, r.stdout)
				if args[0] != "sync" {
					require.Empty(t, r.stderr)
					continue
				}
				require.Contains(t, r.stderr, "waiting: ")
				for _, line := range linesOf(r.stderr) {
					require.Equal(t, format != "console", json.Valid([]byte(line)), line)
				}
			}
		})
	}
}

// Below its level nothing is logged; results are no log.
func TestLogLevel(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	s.awayOnce()
	r := s.ok("sync", "--log-level", "error")
	require.Empty(t, r.stderr)
	require.Len(t, linesOf(r.stdout), 3)
}

// awayOnce lets the first detail be answered with a wait that is logged. It is
// counted from when it is begun: what is left of a throttle's may be too short.
func (s *site) awayOnce() {
	first := make(chan struct{}, 1)
	first <- struct{}{}
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint != vendorsim.EndpointChatGet {
			return vendorsim.Verdict{}
		}
		select {
		case <-first:
			return vendorsim.Verdict{Answer: &vendorsim.Answer{
				Status: http.StatusServiceUnavailable, Header: map[string][]string{"Retry-After": {"1"}},
			}}
		default:
			return vendorsim.Verdict{}
		}
	}})
}

// A terminal shows a bar with rate and time left, and nothing of it stays.
func TestProgressOnATerminal(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 200, Latency: 10 * time.Millisecond})
	r := s.runOn(func(h *host) { h.terminal = true }, "sync")
	require.Equal(t, exitOK, r.code, r)
	require.Regexp(t, `acme/members +\d+% .*\(\d+/200, \d+ items/s\) \[\d+s:\d+s\]`, r.stderr)
	require.NotContains(t, r.stdout, "\r")
	require.True(t, strings.HasSuffix(strings.TrimRight(r.stderr, " "), "\r"), "the last bar is wiped: %q", r.stderr)
}

// Without a terminal there is a line now and then.
func TestProgressLines(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	now := time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	show := newProgress(&host{now: func() time.Time { return now }}, zerolog.New(&out), "acme/members")
	step := func(after time.Duration, done int64) {
		now = now.Add(after)
		show.update(sweep.Progress{Source: "acme", Stream: "members", Done: done, Total: 1000, Counts: model.Counts{Pages: done}})
	}
	step(time.Second, 50)
	step(3*time.Second, 90)
	require.Zero(t, out.Len(), "not more often than every five seconds")
	step(2*time.Second, 100)
	require.JSONEq(t, `{"level":"info","source":"acme","stream":"members","done":100,"pages":100,"rows_changed":0,
		"rate":"10/s","total":1000,"left":"1m30s","message":"syncing"}`, out.String())
	out.Reset()
	step(time.Second, 200)
	require.Zero(t, out.Len())
	step(4*time.Second, 1000)
	require.Equal(t, 1, strings.Count(out.String(), "\n"))
	require.NotContains(t, out.String(), "left")
	show.end()
}
