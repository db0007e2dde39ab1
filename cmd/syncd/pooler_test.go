package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"slices"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// forgetting stands between a client and the server as a pooler of transactions
// does: nothing of a session outlives a transaction. What a client finds again of
// its own is only what PgBouncer keeps for it, the statements it has prepared.
type forgetting struct {
	t      *testing.T
	server *pgx.ConnConfig
	port   int
	// forgot counts the transactions after which all was forgotten.
	mu     sync.Mutex
	forgot int
}

// forget is what ends with a transaction.
const forget = "reset all; unlisten *; close all; discard temp; select pg_advisory_unlock_all()"

func newForgetting(t *testing.T, dsn string) *forgetting {
	t.Helper()
	server, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	require.NoError(t, err)
	f := &forgetting{t: t, server: server, port: listener.Addr().(*net.TCPAddr).Port}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			all.Go(func() { f.serve(client) })
		}
	})
	t.Cleanup(func() {
		require.NoError(t, listener.Close())
		all.Wait()
	})
	return f
}

// transactions is how many were forgotten.
func (f *forgetting) transactions() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.forgot
}

func (f *forgetting) dsn() string {
	return fmt.Sprintf("postgres://%s@127.0.0.1:%d/%s?sslmode=disable", f.server.User, f.port, f.server.Database)
}

// serve passes on what one client and the server say.
func (f *forgetting) serve(client net.Conn) {
	defer client.Close()
	network, address := pgxAddress(f.server)
	server, err := (&net.Dialer{}).DialContext(context.WithoutCancel(f.t.Context()), network, address)
	if err != nil {
		f.t.Error(err)
		return
	}
	defer server.Close()
	startup := make([]byte, 4)
	if _, err := io.ReadFull(client, startup); err != nil {
		return
	}
	rest := make([]byte, binary.BigEndian.Uint32(startup)-4)
	if _, err := io.ReadFull(client, rest); err != nil {
		return
	}
	if _, err := server.Write(slices.Concat(startup, rest)); err != nil {
		return
	}
	p := &pooledSession{pooler: f, client: client, server: server, open: 1}
	go func() {
		defer server.Close()
		_ = p.fromClient()
	}()
	_ = p.fromServer()
}

func pgxAddress(c *pgx.ConnConfig) (network, address string) {
	if len(c.Host) > 0 && c.Host[0] == '/' {
		return "unix", fmt.Sprintf("%s/.s.PGSQL.%d", c.Host, c.Port)
	}
	return "tcp", net.JoinHostPort(c.Host, fmt.Sprint(c.Port))
}

// pooledSession is one client's.
type pooledSession struct {
	pooler         *forgetting
	client, server net.Conn

	mu sync.Mutex
	// open counts what was asked and is not answered yet.
	open int
	// skip says that the server is answering us, while what the client asks is held.
	skip bool
	held [][]byte
}

// message reads one message with its type.
func message(r io.Reader) ([]byte, error) {
	head := make([]byte, 5)
	if _, err := io.ReadFull(r, head); err != nil {
		return nil, err
	}
	all := make([]byte, 1+binary.BigEndian.Uint32(head[1:]))
	copy(all, head)
	_, err := io.ReadFull(r, all[5:])
	return all, err
}

func (p *pooledSession) fromClient() error {
	for {
		m, err := message(p.client)
		if err != nil {
			return err
		}
		p.mu.Lock()
		if p.skip { // the server is forgetting
			p.held = append(p.held, m)
		} else {
			err = p.pass(m)
		}
		p.mu.Unlock()
		if err != nil {
			return err
		}
	}
}

// pass sends a message of the client on. The caller holds p.mu.
func (p *pooledSession) pass(m []byte) error {
	if m[0] == 'Q' || m[0] == 'S' {
		p.open++
	}
	_, err := p.server.Write(m)
	return err
}

func (p *pooledSession) fromServer() error {
	for {
		m, err := message(p.server)
		if err != nil {
			return err
		}
		pass, err := p.answered(m)
		if err != nil {
			return err
		}
		if pass {
			if _, err := p.client.Write(m); err != nil {
				return err
			}
		}
	}
}

// answered looks at a message of the server and reports whether it is for the
// client.
func (p *pooledSession) answered(m []byte) (bool, error) {
	const backendKey, ready, idle = 'K', 'Z', 'I'
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case m[0] == backendKey: // a pooler has keys of its own
		binary.BigEndian.PutUint32(m[5:], binary.BigEndian.Uint32(m[5:])+1_000_000)
		return true, nil
	case p.skip && m[0] == 'E':
		p.pooler.t.Errorf("forget: %q", m)
		return false, errors.New("not forgotten")
	case p.skip && m[0] == ready:
		p.skip = false
		p.open--
		for _, held := range p.held {
			if err := p.pass(held); err != nil {
				return false, err
			}
		}
		p.held = nil
		return false, nil
	case p.skip:
		return false, nil
	case m[0] != ready:
		return true, nil
	}
	p.open--
	if p.open > 0 || m[5] != idle {
		return true, nil
	}
	p.pooler.mu.Lock()
	p.pooler.forgot++
	p.pooler.mu.Unlock()
	p.open, p.skip = 1, true
	query := append([]byte{'Q'}, binary.BigEndian.AppendUint32(nil, uint32(4+len(forget)+1))...)
	_, err := p.server.Write(append(append(query, forget...), 0))
	return true, err
}

// Behind a pooler of transactions the daemon notices, does without being told of
// jobs, and two of them read everything as elsewhere: no statement rests on what a
// session would keep.
func TestRunBehindAPoolerOfTransactions(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 90}) // one page: details may begin behind the first
	pooler := newForgetting(t, s.dsn)
	s.env["DSN"] = pooler.dsn()
	start := func() *running {
		d := begin(t, func(h *host) { h.getenv = s.getenv }, "run", "--no-migrate", "--config", s.config)
		t.Cleanup(func() {
			select {
			case d.signals <- syscall.SIGTERM:
			default:
			}
		})
		return d
	}
	one, two := start(), start()
	saw(t, one.stderr, "a pooler stands before the database")
	s.until("everything to be read", fmt.Sprintf(complete, "acme"))
	for _, d := range []*running{one, two} {
		d.signals <- syscall.SIGTERM
		r := d.wait()
		require.Equal(t, exitOK, r.code, r)
		require.NotContains(t, r.stderr, `"level":"error"`)
	}
	s.sameAsTruth()
	require.Greater(t, pooler.transactions(), 100)

	// So do the commands.
	for _, args := range [][]string{{"sync", "--no-migrate", "--full"}, {"plan"}, {"verify"}} {
		s.ok(args...)
	}
	s.sameAsTruth()
}
