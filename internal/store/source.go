package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// registerTries is how often a source is registered: one that another process adds
// in the same moment is in the way, and not yet to be seen.
const registerTries = 3

// RegisterSource makes a source known and checks that its name still means the
// same account: rows of two accounts under one name could never be told apart
// again.
func (s *Store) RegisterSource(ctx context.Context, source, vendor, account, timezone string, now time.Time) error {
	var haveVendor, haveAccount string
	var err error
	for range registerTries {
		err = s.pool.QueryRow(ctx, q("source_register"), source, vendor, account, timezone, now).
			Scan(&haveVendor, &haveAccount)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("source_register: %w", err)
	}
	if haveVendor != vendor || haveAccount != account {
		return fmt.Errorf("source %q holds data of %s account %q, but the configuration says %s account %q; "+
			"give the new account a source name of its own", source, haveVendor, haveAccount, vendor, account)
	}
	if _, err := s.pool.Exec(ctx, q("source_refresh"), source, timezone); err != nil {
		return fmt.Errorf("source_refresh: %w", err)
	}
	return nil
}
