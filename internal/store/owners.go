package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// ownerRow is an owner that an answer tells of.
type ownerRow struct {
	name   *string
	seenAt time.Time
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
		if was, ok := known[id]; ok && (was == nil || *was != staff[id]) {
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
		names[i] = staff[id]
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

// ownersSeen returns who is an owner, and the names of staff, by id.
func (c *commit) ownersSeen() (owners map[string]ownerRow, staff map[string]string) {
	owners, staff = map[string]ownerRow{}, map[string]string{}
	for _, p := range c.pages {
		for _, o := range p.Owners {
			owners[o.ID] = ownerRow{name: o.Name, seenAt: p.RequestedAt}
			if o.Name != nil && *o.Name != "" {
				staff[o.ID] = *o.Name
			}
		}
	}
	for _, r := range c.applied {
		if id := r.detail.Chat.OwnerID; id != nil && *id != "" {
			if _, ok := owners[*id]; !ok {
				owners[*id] = ownerRow{seenAt: r.page.RequestedAt}
			}
		}
		for _, m := range r.members {
			t := m.member
			if t.Type != nil && *t.Type == model.MemberTypeStaff && t.Name != nil && *t.Name != "" {
				staff[t.ID] = *t.Name
			}
		}
	}
	return owners, staff
}

func (c *commit) askOwners(ctx context.Context, tx pgx.Tx, owners map[string]ownerRow, staff map[string]string,
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

func (c *commit) addOwners(ctx context.Context, tx pgx.Tx, ids []string, owners map[string]ownerRow,
	staff map[string]string,
) error {
	if _, err := exec(ctx, tx, "source_lock", c.source); err != nil {
		return err
	}
	names, seen := make([]*string, len(ids)), make([]time.Time, len(ids))
	for i, id := range ids {
		names[i], seen[i] = owners[id].name, owners[id].seenAt
		if name, ok := staff[id]; ok && names[i] == nil {
			names[i] = &name
		}
	}
	n, err := exec(ctx, tx, "owner_add", c.source, ids, names, seen)
	c.counts.RowsChanged += n
	return err
}
