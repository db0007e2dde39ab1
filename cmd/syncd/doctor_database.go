package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"syncd/config"
	"syncd/internal/embedpg"
	"syncd/internal/store"
)

// versionMin is PostgreSQL 15.
const versionMin = 150000

// Bounds of the disk below a private PostgreSQL.
const (
	diskWarn = 2 << 30
	diskFail = 256 << 20
)

// leaseLong is how long one process may sync a stream before it is looked at: no
// pass proves anything after six hours.
const leaseLong = 6 * time.Hour

// probeDatabase looks at the database and the disk below it.
func probeDatabase(ctx context.Context, cfg *config.Config, sources []*source, now time.Time) []probe {
	var list []probe
	if cfg.DatabaseURL.Empty() {
		list = append(list, probeDisk(cfg.DataDir))
	}
	err := opener(joinDatabase).use(ctx, cfg, func(ctx context.Context, db *database) error {
		seen, err := store.Inspect(ctx, db.pool)
		if err != nil {
			return err
		}
		list = append(list, probeServer(db, seen), probeEncoding(seen))
		list = append(list, probePooler(ctx, db.pool)...)
		schema, current := probeSchema(ctx, db)
		list = append(list, schema, probeRights(seen, current), probeClock("clock of the database", settle(seen)))
		if current {
			list = append(list, probeLeases(ctx, db, cfg, now)...)
			list = append(list, probeAccounts(ctx, store.New(db.pool), sources)...)
		}
		return nil
	})
	if err != nil {
		remedy := "see that the server of database_url runs and lets this machine and user in"
		if cfg.DatabaseURL.Empty() {
			remedy = "" // the error says what to do
		}
		list = append(list, probed(healthFail, "database", err.Error(), remedy))
	}
	return list
}

// settle is by how much a database's clock is ahead beyond what the measurement
// can tell.
func settle(seen store.Health) time.Duration {
	if slack := seen.ClockWithin / 2; seen.ClockAhead.Abs() <= slack {
		return 0
	}
	return seen.ClockAhead
}

func probeServer(db *database, seen store.Health) probe {
	found := fmt.Sprintf("PostgreSQL %s, database %s as user %s", seen.Version, seen.Database, seen.User)
	switch {
	case db.server != nil:
		found += ", private and started for this look"
	case db.private != nil:
		found += ", private and run by another process"
	}
	if seen.VersionNum < versionMin {
		return probed(healthFail, "database", found, "syncd needs PostgreSQL 15 or newer")
	}
	return probed(healthOK, "database", found, "")
}

func probeEncoding(seen store.Health) probe {
	if seen.Encoding != "UTF8" {
		return probed(healthFail, "encoding", seen.Encoding+" cannot hold every name",
			"create the database anew: create database … encoding 'UTF8' template template0")
	}
	return probed(healthOK, "encoding", seen.Encoding, "")
}

// probeSchema reports whether the schema is this version's.
func probeSchema(ctx context.Context, db *database) (probe, bool) {
	const what = "schema"
	have, err := store.SchemaAt(ctx, db.pool)
	if err != nil {
		return probed(healthFail, what, err.Error(), "see the permissions below"), false
	}
	want, err := store.SchemaVersion()
	switch {
	case err != nil:
		return probed(healthFail, what, err.Error(), ""), false
	case have == 0:
		return probed(healthWarn, what, "none yet", "syncd sync makes it, or: syncd migrate up"), false
	case have < want:
		return probed(healthFail, what, fmt.Sprintf("at version %d; this syncd wants %d", have, want), "syncd migrate up"), false
	case have > want:
		return probed(healthFail, what, fmt.Sprintf("at version %d; this syncd knows %d", have, want),
			"install the version of syncd that migrated it, or a later one"), false
	}
	return probed(healthOK, what, fmt.Sprintf("at version %d", have), ""), true
}

// probeRights judges what the user may do; migrations are done when the schema is
// current.
func probeRights(seen store.Health, current bool) probe {
	const what = "permissions"
	user := fmt.Sprintf("%q", seen.User)
	switch {
	case seen.ReadOnly:
		return probed(healthFail, what, "the database takes no writes: a standby, or default_transaction_read_only",
			"name the primary in database_url")
	case len(seen.Lacks) > 0:
		lacks := seen.Lacks
		more := ""
		const show = 3
		if len(lacks) > show {
			more = fmt.Sprintf(" and %d more", len(lacks)-show)
			lacks = lacks[:show]
		}
		return probed(healthFail, what, "user "+user+" lacks "+strings.Join(lacks, ", ")+more,
			"as the owner of the schemas: grant usage on schema sync, groupchat, bi, river to "+user+
				"; grant select, insert, update, delete on all tables in schema sync, groupchat, bi, river to "+user+
				"; grant usage on all sequences in schema river to "+user+"; or connect as that owner")
	case !seen.MayCreate && !current:
		return probed(healthFail, what, "user "+user+" may not create schemas, which the migrations do",
			fmt.Sprintf("grant create on database %q to %s, or run syncd migrate up as somebody who may", seen.Database, user))
	case !seen.MayCreate:
		return probed(healthOK, what, "user "+user+" may write; migrations of a later version need somebody who may create schemas", "")
	}
	return probed(healthOK, what, "user "+user+" may create and write", "")
}

// probeLeases looks for streams that somebody holds and does not let go.
func probeLeases(ctx context.Context, db *database, cfg *config.Config, now time.Time) []probe {
	held, err := store.New(db.pool).HeldLeases(ctx)
	if err != nil {
		return []probe{probed(healthFail, "leases", err.Error(), "")}
	}
	var list []probe
	for _, l := range held {
		list = append(list, probeLease(l, cfg.LeaseTTL, now))
	}
	if len(list) == 0 {
		list = append(list, probed(healthOK, "leases", "nobody is syncing", ""))
	}
	return list
}

func probeLease(l store.HeldLease, ttl time.Duration, now time.Time) probe {
	what := "lease of " + l.Source + "/" + l.Stream
	held := fmt.Sprintf("%s has it for %s", l.Holder, rounded(l.Held))
	switch {
	case l.ValidFor <= 0:
		return probed(healthWarn, what, fmt.Sprintf("%s ended without giving it back, %s ago", l.Holder, rounded(-l.ValidFor)),
			fmt.Sprintf("syncd sync %s/%s goes on from there", l.Source, l.Stream))
	case l.ValidFor > 2*ttl:
		return probed(healthWarn, what, held+" and keeps it until "+now.Add(l.ValidFor).UTC().Format(time.RFC3339)+" even if it dies",
			"give every syncd the same, short lease_ttl")
	case l.Held > leaseLong:
		return probed(healthWarn, what, held, "see whether it still works; when it is stopped another one takes over")
	}
	return probed(healthOK, what, held, "")
}

func probeDisk(dir string) probe {
	free, err := embedpg.DiskFree(dir)
	if err != nil {
		return probed(healthFail, "disk", err.Error(), "set data_dir to a directory that can be made and written")
	}
	return judgeDisk(dir, free)
}

func judgeDisk(dir string, free uint64) probe {
	state, remedy := healthOK, ""
	switch {
	case free < diskFail:
		state, remedy = healthFail, "make room before PostgreSQL stops for want of it"
	case free < diskWarn:
		state, remedy = healthWarn, "make room, or move data_dir to a larger disk"
	}
	return probed(state, "disk", fmt.Sprintf("%s left for %s", size(free), dir), remedy)
}

// size is a number of bytes for people.
func size(bytes uint64) string {
	switch {
	case bytes >= 10<<30:
		return fmt.Sprintf("%d GiB", bytes>>30)
	case bytes >= 1<<30:
		return fmt.Sprintf("%.1f GiB", float64(bytes)/(1<<30))
	default:
		return fmt.Sprintf("%d MiB", bytes>>20)
	}
}
