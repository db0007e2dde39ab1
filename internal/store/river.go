package store

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/riverqueue/river/riverdriver/riverpgxv5"
	"github.com/riverqueue/river/rivermigrate"
)

// RiverSchema is the schema of River's tables.
const RiverSchema = "river"

// riverVersion is the newest migration of River that this binary was tested
// with. A newer River brings its own; this number is raised with it.
const riverVersion = 8

// migrateRiver brings River's tables up to [riverVersion], one transaction for
// each of its migrations: some use what an earlier one has to have committed.
// A lock held by each of them lets several processes try at once, also behind a
// pooler, and over one connection.
func migrateRiver(ctx context.Context, pool *pgxpool.Pool) error {
	m, err := rivermigrate.New(riverpgxv5.New(pool), &rivermigrate.Config{
		Schema: RiverSchema, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		return fmt.Errorf("river: %w", err)
	}
	for range riverVersion + 1 {
		done := false
		err := pgx.BeginTxFunc(ctx, pool, readCommitted, func(tx pgx.Tx) error {
			if _, err := exec(ctx, tx, "schema_lock"); err != nil {
				return err
			}
			var have int64
			if err := riverAt(ctx, tx, &have); err != nil {
				return err
			}
			switch have {
			case riverVersion:
				done = true
				return nil
			case 0:
				if _, err := exec(ctx, tx, "river_schema_create"); err != nil {
					return err
				}
			}
			if have > riverVersion {
				return ErrNewerSchema
			}
			//nolint:staticcheck // deprecated because it invites to run several in one transaction
			_, err := m.MigrateTx(ctx, tx, rivermigrate.DirectionUp, &rivermigrate.MigrateOpts{MaxSteps: 1})
			return err
		})
		if err != nil || done {
			return err
		}
	}
	return fmt.Errorf("river: version %d was not reached", riverVersion)
}

// riverAt reads the version of River's tables; 0 before the first migration.
func riverAt(ctx context.Context, tx pgx.Tx, have *int64) error {
	// A savepoint, since a missing table would end the transaction.
	err := pgx.BeginFunc(ctx, tx, func(tx pgx.Tx) error { return tx.QueryRow(ctx, q("river_version_get")).Scan(have) })
	if state := sqlState(err); state == "42P01" || state == "42703" || state == "3F000" {
		*have = 0
		return nil
	}
	if err != nil {
		return fmt.Errorf("river_version_get: %w", err)
	}
	return nil
}

// checkRiver is [CheckSchema] for River's tables.
func checkRiver(ctx context.Context, pool *pgxpool.Pool) error {
	var have int64
	err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error { return riverAt(ctx, tx, &have) })
	switch {
	case err != nil:
		return err
	case have > riverVersion:
		return ErrNewerSchema
	case have < riverVersion:
		return ErrNotMigrated
	}
	return nil
}

// Pooled reports whether a pooler stands between us and the server. LISTEN then
// may reach nobody, as the connection of the server changes with each
// transaction. A pooler gives its clients keys to cancel with of its own, which
// name another process than the one that answers.
func Pooled(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return false, fmt.Errorf("acquire connection: %w", err)
	}
	defer conn.Release()
	var answers uint32
	if err := conn.QueryRow(ctx, q("pooler_ask")).Scan(&answers); err != nil {
		return false, fmt.Errorf("pooler_ask: %w", err)
	}
	return answers != conn.Conn().PgConn().PID(), nil
}
