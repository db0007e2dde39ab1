package main

import (
	"context"
	"errors"
	"fmt"

	"syncd/internal/store"
)

type approveCmd struct {
	PassID int64 `arg:"" name:"pass-id" help:"The pass, as sync and status name it."`
}

// Run lets what a held pass missed through to confirmation. Nothing is marked
// gone by it: the next sync reads each record directly.
func (a *approveCmd) Run(ctx context.Context, c *cli, h *host) error {
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		source, stream, n, err := store.New(db.pool).Approve(ctx, a.PassID, h.now())
		if errors.Is(err, store.ErrNothingToApprove) {
			return usage("pass %d: %w", a.PassID, err)
		}
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(h.stdout, "approved pass %d of %s/%s: %d records; each is marked gone once the next sync confirms it\n",
			a.PassID, source, stream, n)
		return err
	})
}

// heldBack says what a person is asked.
func heldBack(candidates, passID int64) string {
	return fmt.Sprintf("%d records are missing from the list, too many to believe; if that is right: syncd approve %d",
		candidates, passID)
}
