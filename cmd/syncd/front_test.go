package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

var servedAt = regexp.MustCompile(`"address":"([^"]+)",.*"message":"health, figures`)

// address is where a daemon answers, by its log.
func address(t *testing.T, log *buffer) string {
	t.Helper()
	saw(t, log, "health, figures and a status page are served")
	return servedAt.FindStringSubmatch(log.String())[1]
}

// browse reads a page of a daemon.
func browse(t *testing.T, addr, path, token string) (code int, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+path, nil)
	require.NoError(t, err)
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(r)
	require.NoError(t, err)
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	require.NoError(t, err)
	return answer.StatusCode, string(text)
}

// heldOpen is a connection that a server keeps open for a next request, after one
// for a path. When it is closed, so is the server; its port may be somebody else's
// by then.
func heldOpen(t *testing.T, addr, path string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	require.NoError(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: %s\r\n\r\n", path, addr)
	require.NoError(t, err)
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	require.NoError(t, err)
	defer answer.Body.Close()
	require.Equal(t, http.StatusOK, answer.StatusCode)
	_, err = io.Copy(io.Discard, answer.Body)
	require.NoError(t, err)
	return conn
}

// requireClosed fails unless the server has closed a connection that it kept open.
func requireClosed(t *testing.T, held net.Conn) {
	t.Helper()
	require.NoError(t, held.SetReadDeadline(time.Now().Add(time.Minute)))
	_, err := held.Read(make([]byte, 1))
	require.ErrorIs(t, err, io.EOF)
}

var httpBlock = regexp.MustCompile(`(?m)^http: .*$`)

// with puts other keys in the place of the listen address.
func (s *daemonSite) with(block string) {
	s.t.Helper()
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	s.write("syncd.yaml", httpBlock.ReplaceAllLiteralString(string(text), "http: "+block))
}

// What the daemon does can be read while it does it, and as long as it works.
func TestRunTellsOfItself(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 60})
	secrets := newLeaks(testSecret, s.dsn)
	d, hangups := s.daemon()
	addr := address(t, d.stderr)
	s.until("everything to be read", fmt.Sprintf(complete, "acme"))
	saw(t, d.stderr, `"stream":"members","pass_id":`)
	eventually(t, "it to be ready", func() error {
		code, body := browse(t, addr, "/readyz", "")
		if code != http.StatusOK {
			return fmt.Errorf("%d %s", code, body)
		}
		return nil
	})
	hangups <- syscall.SIGHUP
	saw(t, d.stderr, "the configuration is reloaded")

	rows := func(stream string) int64 {
		return scalar[int64](s.site, "select sum(rows_read) from sync.pass where stream = $1", stream)
	}
	wanted := []string{
		`syncd_passes_total{mode="",outcome="complete",source="acme",stream="chats",verdict="complete"} 1`,
		fmt.Sprintf(`syncd_rows_read_total{source="acme",stream="chats"} %d`, rows("chats")),
		fmt.Sprintf(`syncd_rows_read_total{source="acme",stream="members"} %d`, rows("members")),
		`syncd_calls_total{class="ok",endpoint="groupchat/get",source="acme"} 60`,
		`syncd_runs_dispatched_total{mode="",source="acme",stream="members"} 1`,
		`syncd_slices_total{kind="done",source="acme",stream="members"} 1`,
		`syncd_slices_in_flight 0`,
		`syncd_reloads_total{result="ok"} 1`,
		`syncd_db_connections_max`,
	}
	var figures string
	eventually(t, "the figures", func() error { // a slice is counted after its pass is told of
		_, figures = browse(t, addr, "/metrics", "")
		for _, want := range wanted {
			if !strings.Contains(figures, "\n"+want) {
				return errors.New("lacks " + want)
			}
		}
		return nil
	})
	// The facts may be of an earlier moment; they are asked for every ten seconds.
	require.Contains(t, figures, "\nsyncd_facts_up 1\n")
	require.Contains(t, figures, `syncd_next_run_lag_seconds{mode="",source="acme",stream="owners"}`)
	_, page := browse(t, addr, "/", "")
	require.Contains(t, page, "acme/members")
	code, body := browse(t, addr, "/healthz", "")
	require.Equal(t, http.StatusOK, code)
	require.Equal(t, "ok\n", body)
	told := strings.ToLower(figures + page + body)
	for form, what := range secrets.forms {
		require.NotContains(t, told, form, what)
	}

	held := heldOpen(t, addr, "/healthz")
	d.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, d.wait().code)
	requireClosed(t, held)
}

// A schema that is not ours makes it unready, with the reason, and it lives on.
func TestRunSaysWhyItIsNotReady(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 3})
	d, _ := s.daemon()
	addr := address(t, d.stderr)
	saw(t, d.stderr, "syncd is running")
	_, err := s.pool.Exec(t.Context(), "insert into sync.schema_version (version_id, is_applied) values (99999, true)")
	require.NoError(t, err)
	eventually(t, "it to be unready", func() error {
		code, body := browse(t, addr, "/readyz", "")
		if code != http.StatusServiceUnavailable {
			return errNotYet
		}
		var got struct {
			Ready  bool
			Checks []struct {
				Name, Reason string
				OK           bool
			}
		}
		require.NoError(t, json.Unmarshal([]byte(body), &got))
		require.False(t, got.Ready)
		require.Equal(t, "schema", got.Checks[1].Name)
		// It was not working yet when it was asked, or too busy to answer in time.
		if !got.Checks[0].OK || !strings.Contains(got.Checks[1].Reason, "a newer schema") {
			return errors.New(body)
		}
		require.False(t, got.Checks[1].OK)
		return nil
	})
	code, _ := browse(t, addr, "/healthz", "")
	require.Equal(t, http.StatusOK, code)
	d.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, d.wait().code)
}

// A port that somebody has is said before anything is done.
func TestRunNeedsItsPort(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 3})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer taken.Close()
	s.with(fmt.Sprintf(`{listen: "%s"}`, taken.Addr()))
	r := s.run("run")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stderr, "http.listen "+taken.Addr().String()+" is in use")
	require.Contains(t, r.stderr, "choose another port")
	require.Zero(t, s.calls())
	require.Zero(t, scalar[int](s.site, "select count(*) from sync.schedule"))
}

// Where other machines reach it, it tells nothing without the token, and a probe
// of its own knows it.
func TestRunWithToken(t *testing.T) {
	t.Parallel()
	const token = "a token/of the test"
	s := newDaemonSite(t, vendorsim.Options{Chats: 3})
	r := s.run("probe")
	require.Equal(t, exitUsage, r.code, r)
	require.Contains(t, r.stderr, "port 0")

	s.env["SYNCD_HTTP_TOKEN"] = token
	const anyPort = `{listen: "0.0.0.0:0", token: "${SYNCD_HTTP_TOKEN}"}`
	s.with(anyPort)
	d, _ := s.daemon()
	_, port, err := net.SplitHostPort(address(t, d.stderr))
	require.NoError(t, err)
	addr := "127.0.0.1:" + port
	for _, path := range []string{"/", "/metrics", "/readyz"} {
		code, body := browse(t, addr, path, "")
		require.Equal(t, http.StatusUnauthorized, code, path)
		require.NotContains(t, body, token)
		code, _ = browse(t, addr, path, token+"x")
		require.Equal(t, http.StatusUnauthorized, code, path)
	}
	code, _ := browse(t, addr, "/healthz", "")
	require.Equal(t, http.StatusOK, code)
	code, _ = browse(t, addr, "/metrics", token)
	require.Equal(t, http.StatusOK, code)
	// The port is known now; the daemon reads this at its next start only.
	s.with(strings.Replace(anyPort, "0.0.0.0:0", "0.0.0.0:"+port, 1))
	require.Equal(t, "ok\n", s.ok("probe").stdout)
	eventually(t, "it to be ready", func() error {
		if r := s.run("probe", "--ready"); r.code != exitOK {
			require.Regexp(t, "503|no syncd run answers on .*deadline exceeded", r.stderr)
			return errors.New(r.stderr)
		}
		return nil
	})
	d.signals <- syscall.SIGTERM
	end := d.wait()
	require.Equal(t, exitOK, end.code)
	require.NotContains(t, end.stderr, token)
	s.with(fmt.Sprintf(`{listen: "%s"}`, silentPort(t)))
	r = s.run("probe")
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stderr, "no syncd run answers on 127.0.0.1:")
}

// manager is what systemd listens on.
type manager struct {
	t    *testing.T
	conn *net.UnixConn
}

// next waits for the next word that is not the watchdog's.
func (m *manager) next() string {
	m.t.Helper()
	for buf := make([]byte, 4096); ; {
		n, err := m.conn.Read(buf)
		require.NoError(m.t, err)
		if state := string(buf[:n]); state != "WATCHDOG=1" {
			return state
		}
	}
}

// systemd is told when the daemon is ready, reloads and stops, and that it lives.
func TestRunTellsSystemd(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 3})
	dir, err := os.MkdirTemp("", "sd") //nolint:usetesting // the path of a socket is short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	path := filepath.Join(dir, "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	m := &manager{t: t, conn: conn}
	s.env["NOTIFY_SOCKET"] = path
	s.env["WATCHDOG_USEC"] = "1000000" // the socket holds ten words that nobody has read

	c := s.start("run")
	require.Equal(t, "READY=1\nSTATUS=syncs 1 sources", m.next())
	buf := make([]byte, 100)
	n, err := conn.Read(buf) // nothing else is said before the reload
	require.NoError(t, err)
	require.Equal(t, "WATCHDOG=1", string(buf[:n]))
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGHUP))
	require.Regexp(t, `^RELOADING=1\nMONOTONIC_USEC=\d+\s*$`, m.next())
	require.Equal(t, "READY=1\nSTATUS=syncs 1 sources", m.next())
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, "STOPPING=1\nSTATUS=commits the pages in hand", m.next())
	require.Equal(t, exitOK, c.wait().code)
}

// crowd says as much to a socket as one may that nobody reads, and returns how many
// words that were.
func crowd(t *testing.T, addr *net.UnixAddr) (said int) {
	t.Helper()
	conn, err := net.DialUnix("unixgram", nil, addr)
	require.NoError(t, err)
	defer conn.Close()
	raw, err := conn.SyscallConn()
	require.NoError(t, err)
	for {
		var wrote error
		require.NoError(t, raw.Write(func(fd uintptr) bool {
			_, wrote = syscall.Write(int(fd), []byte("WATCHDOG=1"))
			return true // also when it would have to wait
		}))
		if errors.Is(wrote, syscall.EAGAIN) {
			return said
		}
		require.NoError(t, wrote)
		said++
	}
}

// A systemd that hangs keeps the daemon neither from its work nor from its end.
func TestRunBesideADeafSystemd(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 3})
	dir, err := os.MkdirTemp("", "sd") //nolint:usetesting // the path of a socket is short
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, os.RemoveAll(dir)) })
	addr := &net.UnixAddr{Name: filepath.Join(dir, "notify"), Net: "unixgram"}
	conn, err := net.ListenUnixgram("unixgram", addr)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, conn.Close()) })
	for said := -1; said != 0; { // who writes a lot may be stopped before the socket is full
		said = crowd(t, addr)
	}
	s.env["NOTIFY_SOCKET"] = addr.Name

	c := s.start("run")
	saw(t, &c.stderr, "systemd is not told")
	saw(t, &c.stderr, `"message":"pass"`)
	require.NoError(t, c.cmd.Process.Signal(syscall.SIGTERM))
	require.Equal(t, exitOK, c.wait().code)
}
