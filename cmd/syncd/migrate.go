package main

import (
	"context"
	"errors"
	"fmt"
	"text/tabwriter"
	"time"

	"syncd/internal/store"
)

type migrateCmd struct {
	Up     migrateUpCmd     `cmd:"" help:"Run the migrations that are missing."`
	Down   migrateDownCmd   `cmd:"" help:"Undo the latest migration; its data is lost."`
	Status migrateStatusCmd `cmd:"" help:"List the migrations."`
}

type migrateUpCmd struct{}

// Run brings the schema up to date.
func (migrateUpCmd) Run(ctx context.Context, c *cli, h *host) error {
	return c.withDatabase(ctx, h, openDatabase, func(ctx context.Context, db *database) error {
		ran, err := store.MigrateUp(ctx, db.pool)
		for _, file := range ran {
			fmt.Fprintln(h.stdout, "ran", file)
		}
		if err == nil && len(ran) == 0 {
			fmt.Fprintln(h.stdout, "nothing to do: the schema is up to date")
		}
		return err
	})
}

type migrateDownCmd struct {
	Yes bool `help:"Really drop the tables, with their data."`
}

// Run undoes one migration.
func (m *migrateDownCmd) Run(ctx context.Context, c *cli, h *host) error {
	if !m.Yes {
		return usage("migrate down drops tables with their data; take a backup, then repeat it with --yes")
	}
	return c.withDatabase(ctx, h, openDatabase, func(ctx context.Context, db *database) error {
		file, err := store.MigrateDown(ctx, db.pool)
		switch {
		case err != nil:
			return err
		case file == "":
			fmt.Fprintln(h.stdout, "nothing to do: no migration has run")
		default:
			fmt.Fprintln(h.stdout, "undid", file)
		}
		return nil
	})
}

type migrateStatusCmd struct{}

// Run lists the migrations.
func (migrateStatusCmd) Run(ctx context.Context, c *cli, h *host) error {
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		list, err := store.Migrations(ctx, db.pool)
		w := tabwriter.NewWriter(h.stdout, 0, 0, 2, ' ', 0)
		for _, m := range list {
			state := "pending"
			if m.Applied {
				state = "applied " + m.AppliedAt.UTC().Format(time.RFC3339)
			}
			fmt.Fprintf(w, "%s\t%s\n", m.File, state)
		}
		return errors.Join(err, w.Flush())
	})
}
