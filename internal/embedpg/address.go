package embedpg

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
)

// Address is where a server of this package answers.
type Address struct {
	// SocketDir holds the unix socket; Port is part of the socket's name.
	SocketDir string
	Port      int
	// Passfile is the pgpass file for connections to Port on 127.0.0.1, or ""
	// when the server does not listen on TCP.
	Passfile string
}

// DSN is the URL of a database over the unix socket. It holds no password, for
// none is needed: only root, the user of this process and the user who runs
// the server are let in. Every cluster has the database "postgres"; [Open]
// also makes [Database].
func (a Address) DSN(database string) string {
	query := url.Values{
		"host":    {a.SocketDir},
		"port":    {strconv.Itoa(a.Port)},
		"sslmode": {"disable"},
	}
	u := url.URL{
		Scheme: "postgres", User: url.User(superuser), Path: "/" + database, RawQuery: query.Encode(),
	}
	return u.String()
}

// PSQL is the shell command that connects to a database with psql: over TCP,
// with the password in Passfile, or else over the socket. It holds no password.
func (a Address) PSQL(database string) string {
	if a.Passfile == "" {
		return fmt.Sprintf("psql -h %s -p %d -U %s %s", shellWord(a.SocketDir), a.Port, superuser, shellWord(database))
	}
	return fmt.Sprintf("PGPASSFILE=%s psql -h 127.0.0.1 -p %d -U %s %s",
		shellWord(a.Passfile), a.Port, superuser, shellWord(database))
}

// shellWord quotes s for a shell if it has to be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '.' || r == '_' || r == '-' ||
			'0' <= r && r <= '9' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
	}
	if s != "" && strings.TrimFunc(s, plain) == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

func (a Address) ping(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, a.DSN(adminDatabase))
	if err != nil {
		return err
	}
	return conn.Close(ctx)
}

// ErrNotRunning says that no server runs on a data directory.
var ErrNotRunning = errors.New("no server is running")

// Guest is a server that another process runs and that we have joined.
type Guest struct {
	Address
	book *guestbook
}

// Leave ends the visit: close connections first. Who runs the server waits a few
// seconds for its guests before it stops the server. Calls after the first do
// nothing.
func (g *Guest) Leave() error {
	book := g.book
	g.book = nil
	return book.release()
}

// Join connects to the server that another process runs on dataDir with [Open].
// The error wraps [ErrNotRunning] when there is none, or when it is being started
// or stopped.
func Join(ctx context.Context, dataDir string) (_ *Guest, err error) {
	dataDir, err = realPath(dataDir)
	if err != nil {
		return nil, err
	}
	book, err := openGuestbook(dataDir, 0)
	if errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("%s: %w", dataDir, ErrNotRunning)
	}
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, book.release())
		}
	}()
	in, err := book.enter()
	if err != nil {
		return nil, err
	}
	if !in {
		return nil, fmt.Errorf("%s: %w any more", dataDir, ErrNotRunning)
	}
	a, err := addressOf(dataDir)
	if err != nil {
		return nil, err
	}
	if err := a.ping(ctx); err != nil {
		return nil, fmt.Errorf("connect to the server of %s: %w", dataDir, err)
	}
	return &Guest{Address: a, book: book}, nil
}

// addressOf reads where the server of dataDir answers.
func addressOf(dataDir string) (Address, error) {
	pid, ok := postmasterPID(dataDir)
	if !ok || !serves(pid, dataDir) {
		return Address{}, fmt.Errorf("%s: %w", dataDir, ErrNotRunning)
	}
	lines, _ := postmasterLines(dataDir)
	const portLine, socketLine = 3, 4
	if len(lines) <= socketLine || lines[socketLine] == "" {
		return Address{}, fmt.Errorf("%s: %w yet", dataDir, ErrNotRunning)
	}
	port, err := strconv.Atoi(lines[portLine])
	if err != nil {
		return Address{}, fmt.Errorf("%s: port in postmaster.pid: %w", dataDir, err)
	}
	return Address{SocketDir: lines[socketLine], Port: port, Passfile: dataDir + passfileSuffix}, nil
}

// realPath is the absolute name of path without symbolic links, as a server
// knows its data directory. Path itself need not exist.
func realPath(path string) (string, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("name of the data directory: %w", err)
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		return resolved, nil
	}
	parent, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return path, nil //nolint:nilerr // a parent that does not exist has no other name
	}
	return filepath.Join(parent, filepath.Base(path)), nil
}
