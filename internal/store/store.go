// Package store keeps facts and state in PostgreSQL: pages and checkpoints go
// in, due work comes out.
//
// Every statement is a file of its own under sql/. What changes a stream runs
// in one transaction that begins with the stream's lease, so that rows,
// checkpoint and counters of a page are either all there or none of them, and
// nothing is committed by a process that has lost its lease.
//
// It decides nothing about what is fetched next or what an answer means: that is
// internal/sweep and internal/model. It never deletes a fact.
package store

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

//go:embed sql
var sqlFS embed.FS

// queries holds the text of every statement by the name of its file below sql/.
var queries = loadQueries()

func loadQueries() map[string]string {
	m := map[string]string{}
	err := fs.WalkDir(sqlFS, "sql", func(file string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := sqlFS.ReadFile(file)
		m[strings.TrimSuffix(strings.TrimPrefix(file, "sql/"), ".sql")] = string(text)
		return err
	})
	if err != nil {
		panic(err)
	}
	return m
}

// q returns the statement of that name; a name that has no file is a bug.
func q(name string) string {
	text, ok := queries[name]
	if !ok {
		panic("no statement " + name)
	}
	return text
}

// Bounds of one transaction. A process that is stopped inside one would
// otherwise keep its locks until it is woken.
const (
	idleInTransactionMax = 15 * time.Second
	statementMax         = 2 * time.Minute
	connectMax           = 10 * time.Second
)

// Store keeps facts and state. Calls may overlap.
type Store struct {
	pool *pgxpool.Pool
}

// New returns a store on a pool whose database has the current schema.
func New(pool *pgxpool.Pool) *Store { return &Store{pool: pool} }

// Open connects to a PostgreSQL database URL or keyword string and checks that
// it answers. Its errors never hold the password. The caller closes the pool.
func Open(ctx context.Context, url string) (*pgxpool.Pool, error) {
	cfg, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("database_url is not a PostgreSQL URL or keyword string; " +
			"write postgres://user@host:5432/database")
	}
	cfg.ConnConfig.ConnectTimeout = connectMax
	cfg.ConnConfig.Tracer = deadline(roundTripMax)
	cfg.PingTimeout = connectMax
	if cfg.ConnConfig.RuntimeParams["application_name"] == "" {
		cfg.ConnConfig.RuntimeParams["application_name"] = "syncd"
	}
	// What we send is UTF-8. A database or a role may have another client_encoding,
	// and the server would take our bytes for that.
	cfg.ConnConfig.RuntimeParams["client_encoding"] = "UTF8"
	pool, err := pgxpool.NewWithConfig(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, connectMax, errors.New("no answer from the database"))
	defer cancel()
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("connect to the database: %w", err)
	}
	return pool, nil
}

// sqlState returns the SQLSTATE of a server error, or "".
func sqlState(err error) string {
	if pg, ok := errors.AsType[*pgconn.PgError](err); ok {
		return pg.Code
	}
	return ""
}

// repeatable reports whether the whole transaction may be repeated: another one
// wrote the same key first, or the two would have waited for each other.
func repeatable(err error) bool {
	switch sqlState(err) {
	case "23505", "40P01", "40001":
		return true
	}
	return false
}

// exec runs a statement by its name inside tx.
func exec(ctx context.Context, tx pgx.Tx, name string, args ...any) (int64, error) {
	tag, err := tx.Exec(ctx, q(name), args...)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", name, err)
	}
	return tag.RowsAffected(), nil
}

// querier is a pool or a transaction.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
}

// each runs a statement by its name and calls row for every row that it returns, when
// that has been read into scans.
func each(ctx context.Context, db querier, name string, args, scans []any, row func()) error {
	rows, err := db.Query(ctx, q(name), args...)
	if err == nil {
		_, err = pgx.ForEachRow(rows, scans, func() error {
			row()
			return nil
		})
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}
