package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	"github.com/pressly/goose/v3/lock"

	"syncd/migrations"
)

// versionTable lists the migrations that have run.
const versionTable = "sync.schema_version"

// Migration is one schema file and whether it has run.
type Migration struct {
	Version   int64     `json:"version"`
	File      string    `json:"file"`
	Applied   bool      `json:"applied"`
	AppliedAt time.Time `json:"applied_at,omitzero"`
}

// ErrNewerSchema means that a newer syncd has migrated this database.
var ErrNewerSchema = errors.New("the database has a newer schema than this syncd knows; " +
	"install that version of syncd or a later one")

// ErrNotMigrated means that the database lacks migrations of this binary.
var ErrNotMigrated = errors.New("the database schema is not up to date; run: syncd migrate up")

// MigrateUp brings the schema up to this binary's, and returns the files that
// ran. Several processes may call it at once: one works, the others wait. It is
// [ErrNewerSchema] when the database is ahead.
func MigrateUp(ctx context.Context, pool *pgxpool.Pool) ([]string, error) {
	ctx = patient(ctx)
	var ran []string
	err := withGoose(ctx, pool, func(p *goose.Provider) error {
		if err := refuseNewer(ctx, p); err != nil {
			return err
		}
		results, err := p.Up(ctx)
		for _, r := range results {
			ran = append(ran, r.Source.Path)
		}
		return err
	})
	if err != nil {
		return ran, fmt.Errorf("migrate up: %w", err)
	}
	if err := migrateRiver(ctx, pool); err != nil {
		return ran, fmt.Errorf("migrate up: %w", err)
	}
	if err := grantRoles(ctx, pool); err != nil {
		return ran, fmt.Errorf("migrate up: %w", err)
	}
	return ran, nil
}

// grantRoles lets one process at a time grant: two grants on one table at once
// are an error (tuple concurrently updated).
func grantRoles(ctx context.Context, pool *pgxpool.Pool) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		for _, name := range []string{"schema_lock", "role_grant"} {
			if _, err := exec(ctx, tx, name); err != nil {
				return err
			}
		}
		return nil
	})
}

// MigrateDown undoes the latest migration and returns its file, or "" when
// there is none left. Data of that migration is lost.
func MigrateDown(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	ctx = patient(ctx)
	var file string
	err := withGoose(ctx, pool, func(p *goose.Provider) error {
		if err := refuseNewer(ctx, p); err != nil {
			return err
		}
		r, err := p.Down(ctx)
		if errors.Is(err, goose.ErrNoNextVersion) {
			return nil
		}
		if err == nil {
			file = r.Source.Path
		}
		return err
	})
	if err != nil {
		return file, fmt.Errorf("migrate down: %w", err)
	}
	return file, nil
}

// Migrations lists every schema file of this binary in order.
func Migrations(ctx context.Context, pool *pgxpool.Pool) ([]Migration, error) {
	var list []Migration
	err := withGoose(ctx, pool, func(p *goose.Provider) error {
		status, err := p.Status(ctx)
		for _, s := range status {
			list = append(list, Migration{
				Version: s.Source.Version, File: s.Source.Path,
				Applied: s.State == goose.StateApplied, AppliedAt: s.AppliedAt,
			})
		}
		if err != nil {
			return err
		}
		return refuseNewer(ctx, p)
	})
	if err != nil {
		return list, fmt.Errorf("migrate status: %w", err)
	}
	return list, nil
}

// CheckSchema is nil when the schema is exactly this binary's, and otherwise
// [ErrNewerSchema] or [ErrNotMigrated]. It changes nothing.
func CheckSchema(ctx context.Context, pool *pgxpool.Pool) error {
	have, err := SchemaAt(ctx, pool)
	if err != nil {
		return err
	}
	want, err := SchemaVersion()
	switch {
	case err != nil:
		return err
	case have > want:
		return ErrNewerSchema
	case have < want:
		return ErrNotMigrated
	}
	return checkRiver(ctx, pool)
}

// SchemaAt is the number of the newest migration that has run in the database, 0
// when none has. It changes nothing.
func SchemaAt(ctx context.Context, pool *pgxpool.Pool) (int64, error) {
	var have int64
	err := pool.QueryRow(ctx, q("schema_version_get")).Scan(&have)
	if sqlState(err) == "42P01" || sqlState(err) == "3F000" {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read schema version: %w", err)
	}
	return have, nil
}

// SchemaVersion is the number of the newest migration in this binary.
func SchemaVersion() (int64, error) {
	files, err := migrations.FS.ReadDir(".")
	if err != nil {
		return 0, fmt.Errorf("list migrations: %w", err)
	}
	var newest int64
	for _, f := range files {
		v, err := goose.NumericComponent(f.Name())
		if err != nil {
			return 0, fmt.Errorf("migration %s: %w", f.Name(), err)
		}
		newest = max(newest, v)
	}
	return newest, nil
}

func refuseNewer(ctx context.Context, p *goose.Provider) error {
	have, want, err := p.GetVersions(ctx)
	if err != nil {
		return fmt.Errorf("read schema version: %w", err)
	}
	if have > want {
		return ErrNewerSchema
	}
	return nil
}

// withGoose hands work a provider that waits for other migrating processes. The
// lock is a session advisory lock: migrations are the one place that may use
// one, and want a direct connection rather than a transaction pooler.
func withGoose(ctx context.Context, pool *pgxpool.Pool, work func(*goose.Provider) error) error {
	const pollSeconds, pollsMax = 1, 600
	locker, err := lock.NewPostgresSessionLocker(lock.WithLockTimeout(pollSeconds, pollsMax))
	if err != nil {
		return err
	}
	table, err := database.NewStore(goose.DialectPostgres, versionTable)
	if err != nil {
		return err
	}
	db := stdlib.OpenDBFromPool(pool)
	defer func() { _ = db.Close() }()
	if err := ensureSchema(ctx, db); err != nil {
		return err
	}
	p, err := goose.NewProvider("", db, migrations.FS,
		goose.WithStore(table), goose.WithSessionLocker(locker), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	return work(p)
}

// ensureSchema makes the schema that the version table lives in. Two processes
// may try at once; "if not exists" alone would let one of them fail.
func ensureSchema(ctx context.Context, db *sql.DB) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin: %w", err)
	}
	defer func() { _ = tx.Rollback() }()
	if _, err := tx.ExecContext(ctx, q("schema_lock")); err != nil {
		return fmt.Errorf("schema_lock: %w", err)
	}
	if _, err := tx.ExecContext(ctx, q("schema_create")); err != nil {
		return fmt.Errorf("schema_create: %w", err)
	}
	return tx.Commit()
}
