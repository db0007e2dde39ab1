package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// staffName is the name of one of the organisation's people.
type staffName struct {
	name   string
	readAt time.Time
}

// writeOwners adds the owners that owner lists and chat details tell of, and
// learns names from the staff members of the details.
func (c *commit) writeOwners(ctx context.Context, tx pgx.Tx) error {
	owners, staff := c.ownersSeen()
	if len(owners) == 0 && len(staff) == 0 {
		return nil
	}
	known, err := c.askOwners(ctx, tx, owners, staff)
	if err != nil {
		return err
	}
	var fresh, renamed []string
	for _, id := range sortedKeys(owners) {
		if _, ok := known[id]; !ok {
			fresh = append(fresh, id)
		}
	}
	for _, id := range sortedKeys(staff) {
		if was, ok := known[id]; ok && (was == nil || *was != staff[id].name) {
			renamed = append(renamed, id)
		}
	}
	if len(fresh) > 0 {
		if err := c.addOwners(ctx, tx, fresh, owners, staff); err != nil {
			return err
		}
	}
	if err := c.listOwners(ctx, tx); err != nil || len(renamed) == 0 {
		return err
	}
	names := make([]string, len(renamed))
	for i, id := range renamed {
		names[i] = staff[id].name
	}
	n, err := exec(ctx, tx, "owner_rename", c.source, renamed, names)
	c.counts.RowsChanged += n
	return err
}

// listOwners notes who is in the owner list.
func (c *commit) listOwners(ctx context.Context, tx pgx.Tx) error {
	var ids []string
	for _, p := range c.pages {
		for _, o := range p.Owners {
			ids = append(ids, o.ID)
		}
	}
	if len(ids) == 0 {
		return nil
	}
	slices.Sort(ids)
	_, err := exec(ctx, tx, "owner_list", c.source, slices.Compact(ids), c.pass.Scope)
	return err
}

// ownersSeen returns when each owner was first read, and the names of staff as
// they were read last, by id.
func (c *commit) ownersSeen() (owners map[string]time.Time, staff map[string]staffName) {
	owners, staff = map[string]time.Time{}, map[string]staffName{}
	see := func(id string, at time.Time) {
		if first, ok := owners[id]; !ok || at.Before(first) {
			owners[id] = at
		}
	}
	name := func(id string, name *string, at time.Time) {
		if name != nil && *name != "" && !at.Before(staff[id].readAt) {
			staff[id] = staffName{*name, at}
		}
	}
	for _, p := range c.pages {
		for _, o := range p.Owners {
			see(o.ID, p.RequestedAt)
			name(o.ID, o.Name, p.RequestedAt)
		}
	}
	for _, r := range c.applied {
		if id := r.detail.Chat.OwnerID; id != nil && *id != "" {
			see(*id, r.page.RequestedAt)
		}
		for _, m := range r.members {
			if t := m.member.Type; t != nil && *t == model.MemberTypeStaff {
				name(m.member.ID, m.member.Name, r.page.RequestedAt)
			}
		}
	}
	return owners, staff
}

func (c *commit) askOwners(ctx context.Context, tx pgx.Tx, owners map[string]time.Time, staff map[string]staffName,
) (map[string]*string, error) {
	ids := sortedKeys(owners)
	for id := range staff {
		if _, ok := owners[id]; !ok {
			ids = append(ids, id)
		}
	}
	rows, err := tx.Query(ctx, q("owner_ask"), c.source, ids)
	if err != nil {
		return nil, fmt.Errorf("owner_ask: %w", err)
	}
	known := make(map[string]*string, len(ids))
	var id string
	var name *string
	_, err = pgx.ForEachRow(rows, []any{&id, &name}, func() error {
		known[id] = name
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("owner_ask: %w", err)
	}
	return known, nil
}

func (c *commit) addOwners(ctx context.Context, tx pgx.Tx, ids []string, owners map[string]time.Time,
	staff map[string]staffName,
) error {
	if _, err := exec(ctx, tx, "source_lock", c.source); err != nil {
		return err
	}
	names, seen := make([]*string, len(ids)), make([]time.Time, len(ids))
	for i, id := range ids {
		seen[i] = owners[id]
		if read, ok := staff[id]; ok {
			names[i] = &read.name
		}
	}
	n, err := exec(ctx, tx, "owner_add", c.source, ids, names, seen)
	c.counts.RowsChanged += n
	return err
}
