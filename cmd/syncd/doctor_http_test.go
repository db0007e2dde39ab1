package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/config"
	"syncd/internal/vendorsim"
)

// silentPort is an address that is taken, and where nobody listens.
func silentPort(t *testing.T) string {
	t.Helper()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, syscall.Close(fd)) })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	return net.JoinHostPort("127.0.0.1", strconv.Itoa(name.(*syscall.SockaddrInet4).Port))
}

func TestDoctorOfHTTP(t *testing.T) {
	t.Parallel()
	const long = "a token that nobody guesses"
	serve := func(answer http.HandlerFunc) string {
		s := httptest.NewServer(answer)
		t.Cleanup(s.Close)
		return s.Listener.Addr().String()
	}
	syncd := serve(func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	other := serve(http.NotFound)
	silent := silentPort(t)
	_, port, err := net.SplitHostPort(syncd)
	require.NoError(t, err)
	for name, c := range map[string]struct {
		listen, token string
		state         health
		found, remedy string
	}{
		"nobody":      {silent, "", healthOK, "this machine alone reaches; no syncd run answers there now", ""},
		"a syncd":     {syncd, "", healthOK, "a syncd run answers", ""},
		"another":     {other, "", healthWarn, "another program has that port", "choose another port"},
		"everybody":   {"0.0.0.0:" + port, long, healthOK, "which other machines reach, with a token; a syncd run answers", ""},
		"any port":    {"127.0.0.1:0", long, healthOK, "this machine alone reaches, with a token", ""},
		"short token": {"0.0.0.0:0", "short", healthWarn, "can be guessed", "openssl rand"},
		"not ours":    {"192.0.2.1:8686", long, healthFail, "is no address of this machine", "0.0.0.0:8686"},
	} {
		p := probeHTTP(t.Context(), config.HTTP{Listen: c.listen, Token: config.NewSecret(c.token)})
		require.Equal(t, c.state, p.Health, "%s: %s", name, p)
		require.Contains(t, p.Found, c.found, name)
		require.Contains(t, p.Remedy, c.remedy, name)
		require.NotContains(t, p.String(), long)
	}
}

// pooler is a server before a PostgreSQL that makes up the keys to cancel with, as
// a pooler does. It returns a connection string.
func pooler(t *testing.T, dsn string) string {
	t.Helper()
	server, err := pgx.ParseConfig(dsn)
	require.NoError(t, err)
	network, address := "tcp", net.JoinHostPort(server.Host, strconv.Itoa(int(server.Port)))
	if strings.HasPrefix(server.Host, "/") {
		network, address = "unix", server.Host+"/.s.PGSQL."+strconv.Itoa(int(server.Port))
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer client.Close()
				db, err := net.Dial(network, address)
				if err != nil {
					return
				}
				conns.Go(func() {
					defer db.Close()
					_, _ = io.Copy(db, client)
				})
				changeKeys(client, db)
			})
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		conns.Wait()
	})
	_, port, err := net.SplitHostPort(l.Addr().String())
	require.NoError(t, err)
	return fmt.Sprintf("host=127.0.0.1 port=%s user='%s' password='%s' dbname='%s' sslmode=disable",
		port, server.User, server.Password, server.Database)
}

// changeKeys hands messages of the server on, with another key.
func changeKeys(client io.Writer, db io.Reader) {
	head := make([]byte, 5)
	for {
		if _, err := io.ReadFull(db, head); err != nil {
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(db, body); err != nil {
			return
		}
		if head[0] == 'K' {
			binary.BigEndian.PutUint32(body, binary.BigEndian.Uint32(body)+1)
		}
		if _, err := client.Write(append(head[:5:5], body...)); err != nil {
			return
		}
	}
}

func TestDoctorOfAPooler(t *testing.T) {
	t.Parallel()
	s := newPatient(t, vendorsim.Options{Chats: 30})
	probes, code := s.doctor()
	require.Equal(t, exitOK, code)
	require.NotContains(t, probes, "pooler")
	s.env["DSN"] = pooler(t, s.dsn)
	s.requireProbe(exitOK, healthWarn, "pooler", "four times a second", "--no-migrate")
}
