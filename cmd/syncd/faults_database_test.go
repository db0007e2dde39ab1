package main

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/embedpg"
	"syncd/internal/vendorsim"
)

// keptServer is a PostgreSQL that can be stopped and started again on the same
// data and port.
type keptServer struct {
	t      testing.TB
	dir    string
	server *embedpg.Server
	// databases counts those that were made.
	databases int
}

// keptSettings are safe where only processes die, not the machine.
var keptSettings = map[string]string{"fsync": "off"}

func newKeptServer(tb testing.TB) *keptServer {
	tb.Helper()
	base := tb.TempDir()
	require.NoError(tb, os.Chmod(base, 0o755))               //nolint:gosec // the server runs as another user
	require.NoError(tb, os.Chmod(filepath.Dir(base), 0o755)) //nolint:gosec // the same
	k := &keptServer{t: tb, dir: filepath.Join(base, "postgres")}
	var err error
	k.server, err = embedpg.Open(tb.Context(), k.dir, embedpg.Options{Port: keptPort(tb), Settings: keptSettings})
	require.NoError(tb, err)
	tb.Cleanup(func() { require.NoError(tb, k.server.Stop(context.WithoutCancel(tb.Context()))) })
	return k
}

// keptPorts counts the ports of kept servers, from any one on: none is given twice.
var keptPorts = rand.Uint32()

// keptPort is a free port that stays free while its server is restarted: who asks
// for any port gets a higher one.
func keptPort(tb testing.TB) int {
	tb.Helper()
	const lowest, ports = 20_000, 10_000
	for range 100 {
		port := lowest + int(atomic.AddUint32(&keptPorts, 1)%ports)
		listener, err := (&net.ListenConfig{}).Listen(tb.Context(), "tcp4", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			require.NoError(tb, listener.Close())
			return port
		}
	}
	require.Fail(tb, "no free port")
	return 0
}

// dsn is over TCP: the socket has another directory after a restart.
func (k *keptServer) dsn(database string) string {
	u := url.URL{
		Scheme: "postgres", User: url.User("syncd"), Path: database,
		Host:     net.JoinHostPort("127.0.0.1", strconv.Itoa(k.server.Port)),
		RawQuery: url.Values{"sslmode": {"disable"}, "passfile": {k.server.Passfile}}.Encode(),
	}
	return u.String()
}

// restart stops the server, or kills it, and starts it again. It is called by
// handlers, which must not end the test.
func (k *keptServer) restart(crash bool) {
	ctx := k.t.Context()
	if crash {
		if err := syscall.Kill(k.server.PID(), syscall.SIGKILL); err != nil {
			k.t.Errorf("kill PostgreSQL: %v", err)
		}
		<-k.server.Done()
	}
	if err := k.server.Stop(ctx); err != nil && !crash {
		k.t.Errorf("stop PostgreSQL: %v", err)
	}
	server, err := embedpg.Open(ctx, k.dir, embedpg.Options{Port: k.server.Port, Settings: keptSettings})
	if err != nil {
		k.t.Errorf("start PostgreSQL again: %v", err)
		return
	}
	k.server = server
}

// A PostgreSQL that is restarted in the middle of a pass ends the sync with exit
// 1 and the reason, unless it was not asked for anything just then. The next sync goes on where the last commit was; after a
// crash, which takes with it what an open list pass had seen, that pass begins
// anew.
func TestPostgresRestartsInMidPass(t *testing.T) {
	t.Parallel()
	k := newKeptServer(t)
	const listed, read = "select count(*) > 0 from sync.page", "select count(*) > 0 from sync.item where fetched_at is not null"
	k.restartsInMidPass(vendorsim.EndpointChatList, 4, listed, false)
	k.restartsInMidPass(vendorsim.EndpointChatGet, 15, read, false)
	k.restartsInMidPass(vendorsim.EndpointChatList, 4, listed, true)
	k.restartsInMidPass(vendorsim.EndpointChatGet, 15, read, true)
}

// restartsInMidPass restarts the server at a call, once the query shows that
// something is committed.
func (k *keptServer) restartsInMidPass(endpoint string, at int64, committed string, crash bool) {
	t := k.t
	t.Helper()
	t.Logf("at call %d of %s, crash %v", at, endpoint, crash)
	s := k.newSite(t)
	var calls atomic.Int64
	back := make(chan struct{})
	s.sim.SetScript(vendorsim.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint == endpoint && calls.Add(1) == at {
			defer close(back)
			s.await(ctx, "something is committed", committed)
			k.restart(crash)
		}
		return vendorsim.Verdict{}
	}})
	r := s.runOn(patient, "sync")
	<-back
	s.pool.Reset() // its connections are dead
	t.Log(r)
	if r.code == exitOK { // no statement met the restart
		s.sameAsCalm()
		return
	}
	require.Equal(t, exitFailed, r.code, r)
	require.Regexp(t, `^syncd: acme/(chats|members): .*(57P01|57P03|EOF|reset|closed|refused|broken pipe)`, r.stderr)
	password, err := os.ReadFile(k.server.Passfile)
	require.NoError(t, err)
	require.NotContains(t, r.stderr, strings.TrimSpace(string(password[strings.LastIndexByte(string(password), ':')+1:])))

	read := scalar[int](s, "select count(*) from sync.item where fetched_at is not null")
	s.sim.ResetCalls()
	r = s.sync()
	require.Equal(t, exitOK, r.code, r)
	s.sameAsCalm()
	require.Equal(t, faultChats-read, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
	abandoned := 0
	if crash && endpoint == vendorsim.EndpointChatList {
		abandoned = 1
	}
	require.Equal(t, abandoned, scalar[int](s, "select count(*) from sync.pass where outcome = 'abandoned'"))
	s.recovers()
	s.sameAsCalm()
}

// newSite is a site in a new database of the server.
func (k *keptServer) newSite(tb testing.TB) *site {
	tb.Helper()
	k.databases++
	database := "case_" + strconv.Itoa(k.databases)
	conn, err := pgx.Connect(tb.Context(), k.dsn(embedpg.Database))
	require.NoError(tb, err)
	_, err = conn.Exec(tb.Context(), "create database "+database)
	require.NoError(tb, err)
	require.NoError(tb, conn.Close(tb.Context()))
	s := &site{t: tb, dsn: k.dsn(database)}
	s.connect(faultTenant)
	s.setPageSize(faultPageSize)
	s.shortLease() // it may not be given back when the server dies
	s.ok("migrate", "up")
	return s
}

// A database that takes no more writes for a while ends the sync with exit 1 and
// what PostgreSQL says; nothing is half written. Errors that pass are not seen.
func TestDatabaseThatRefusesWrites(t *testing.T) {
	t.Parallel()
	const full = `could not extend file "base/5/16400": No space left on device`
	for name, c := range map[string]struct {
		table, state string
		// from and to bound which statements on the table are refused. There are that
		// many also where a list is committed at once, and all details are.
		from, to int
		code     int
	}{
		"disk full at the list":       {"groupchat.chat", "53100", 3, math.MaxInt32, exitFailed},
		"disk full at the members":    {"groupchat.chat_member", "53100", 1, math.MaxInt32, exitFailed},
		"disk full at the checkpoint": {"sync.checkpoint", "53100", 4, math.MaxInt32, exitFailed},
		"disk full at the seen ids":   {"sync.page", "53100", 3, math.MaxInt32, exitFailed},
		"disk full at the items":      {"sync.item", "53100", 2, math.MaxInt32, exitFailed},
		"disk full at the pass":       {"sync.pass", "53100", 9, math.MaxInt32, exitFailed},
		"write conflicts":             {"groupchat.chat_member", "40001", 1, 3, exitOK},
		"deadlock":                    {"groupchat.chat", "40P01", 3, 5, exitOK},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newFaultySite(t)
			_, err := s.pool.Exec(t.Context(), fmt.Sprintf(`
				create sequence writes;
				create function refuse() returns trigger language plpgsql as $$
				begin
				    if nextval('public.writes') between %d and %d then
				        raise exception using errcode = '%s', message = '%s';
				    end if;
				    return null;
				end $$;
				create trigger refuse before insert or update or delete on %s for each statement execute function refuse()`,
				c.from, c.to, c.state, full, c.table))
			require.NoError(t, err)
			r := s.sync()
			require.Equal(t, c.code, r.code, r)
			require.Greater(t, scalar[int](s, "select last_value from writes"), c.from)
			if c.code != exitOK {
				require.Contains(t, r.stderr, full+" (SQLSTATE 53100)")
			}
			_, err = s.pool.Exec(t.Context(), "drop trigger refuse on "+c.table)
			require.NoError(t, err)

			read := scalar[int](s, "select count(*) from sync.item where fetched_at is not null")
			require.Equal(t, read, scalar[int](s, "select count(*) from groupchat.chat where detail_at is not null"))
			s.sim.ResetCalls()
			r = s.sync()
			require.Equal(t, exitOK, r.code, r)
			s.sameAsCalm()
			require.Equal(t, faultChats-read, s.sim.Calls()[vendorsim.EndpointChatGet].Calls)
			s.recovers()
			s.sameAsCalm()
		})
	}
}

// await polls until the query says true.
func (s *site) await(ctx context.Context, what, query string) {
	s.t.Helper()
	eventually(s.t, what, func() error {
		done := false
		err := s.pool.QueryRow(ctx, query).Scan(&done)
		if err == nil && !done {
			err = errNotYet
		}
		return err
	})
}
