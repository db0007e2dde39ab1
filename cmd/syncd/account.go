package main

import (
	"context"
	"errors"
	"fmt"

	"syncd/internal/store"
)

// sameAccounts refuses sources whose names hold data of other accounts, all of them
// at once. The error then holds a [store.AccountError]. It changes nothing.
func sameAccounts(ctx context.Context, db *store.Store, sources []*source) error {
	names := make([]string, len(sources))
	for i, src := range sources {
		names[i] = src.Name
	}
	known, err := db.Accounts(ctx, names)
	if err != nil {
		return err
	}
	var wrong []error
	for _, src := range sources {
		configured := store.Account{Vendor: src.Vendor, Name: src.account}
		if have, ok := known[src.Name]; ok && have != configured {
			wrong = append(wrong, fmt.Errorf("%s: %s: %w", src.Name, src.accountKey,
				&store.AccountError{Source: src.Name, Have: have, Configured: configured}))
		}
	}
	return errors.Join(wrong...)
}

// probeAccounts looks whether every source still is the account that its data is of.
func probeAccounts(ctx context.Context, db *store.Store, sources []*source) []probe {
	var list []probe
	for _, src := range sources {
		what := src.Name + ": account"
		if err := sameAccounts(ctx, db, []*source{src}); err != nil {
			list = append(list, probed(healthFail, what, err.Error(), ""))
		} else {
			list = append(list, probed(healthOK, what, src.account, ""))
		}
	}
	return list
}
