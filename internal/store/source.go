package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Account is whom a source stands for: a vendor, and the name by which it knows the
// tenant.
type Account struct{ Vendor, Name string }

// AccountError says that a source holds data of another account than the one that is
// configured under its name.
type AccountError struct {
	Source           string
	Have, Configured Account
}

func (e *AccountError) Error() string {
	return fmt.Sprintf("source %q holds data of %s account %q, but the configuration says %s account %q; "+
		"give the new account a source name of its own", e.Source, e.Have.Vendor, e.Have.Name, e.Configured.Vendor, e.Configured.Name)
}

// Accounts tells whom sources stand for, by name; it leaves out those that are not
// known yet.
func (s *Store) Accounts(ctx context.Context, sources []string) (map[string]Account, error) {
	known := map[string]Account{}
	var source string
	var a Account
	err := each(ctx, s.pool, "source_accounts", []any{sources}, []any{&source, &a.Vendor, &a.Name}, func() {
		known[source] = a
	})
	if err != nil {
		return nil, err
	}
	return known, nil
}

// registerTries is how often a source is registered: one that another process adds
// in the same moment is in the way, and not yet to be seen.
const registerTries = 3

// RegisterSource makes a source known and checks that its name still means the
// same account: rows of two accounts under one name could never be told apart
// again. Where it does not, the error is an [AccountError].
func (s *Store) RegisterSource(ctx context.Context, source, vendor, account, timezone string, now time.Time) error {
	var have Account
	var err error
	for range registerTries {
		err = s.pool.QueryRow(ctx, q("source_register"), source, vendor, account, timezone, now).
			Scan(&have.Vendor, &have.Name)
		if !errors.Is(err, pgx.ErrNoRows) {
			break
		}
	}
	if err != nil {
		return fmt.Errorf("source_register: %w", err)
	}
	if configured := (Account{vendor, account}); have != configured {
		return &AccountError{Source: source, Have: have, Configured: configured}
	}
	if _, err := s.pool.Exec(ctx, q("source_refresh"), source, timezone); err != nil {
		return fmt.Errorf("source_refresh: %w", err)
	}
	return nil
}
