package store

import (
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// staffName is what answers tell of one of the organisation's people: name and
// department, "" and nil where they do not.
type staffName struct {
	name                 string
	department           *string
	readAt, departmentAt time.Time
}

// storedOwner is what owner_ask returns.
type storedOwner struct{ name, department *string }

// differs reports whether something else is told.
func (s staffName) differs(was storedOwner) bool {
	return s.name != "" && (was.name == nil || *was.name != s.name) ||
		s.department != nil && (was.department == nil || *was.department != *s.department)
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
		if was, ok := known[id]; ok && staff[id].differs(was) {
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
	names, departments := namesOf(renamed, staff)
	n, err := exec(ctx, tx, "owner_rename", c.source, renamed, names, departments)
	c.counts.RowsChanged += n
	return err
}

// namesOf returns names and departments parallel to ids, nil where they are not told.
func namesOf(ids []string, staff map[string]staffName) (names, departments []*string) {
	names, departments = make([]*string, len(ids)), make([]*string, len(ids))
	for i, id := range ids {
		if read, ok := staff[id]; ok {
			names[i], departments[i] = textOrNull(read.name), read.department
		}
	}
	return names, departments
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

// ownersSeen returns when each owner was first read, and the names and departments
// of staff as they were read last, by id.
func (c *commit) ownersSeen() (owners map[string]time.Time, staff map[string]staffName) {
	owners, staff = map[string]time.Time{}, map[string]staffName{}
	see := func(id string, at time.Time) {
		if first, ok := owners[id]; !ok || at.Before(first) {
			owners[id] = at
		}
	}
	name := func(id string, name *string, at time.Time) {
		if name != nil && *name != "" && !at.Before(staff[id].readAt) {
			read := staff[id]
			read.name, read.readAt = *name, at
			staff[id] = read
		}
	}
	for _, p := range c.pages {
		for _, o := range p.Owners {
			see(o.ID, p.RequestedAt)
			name(o.ID, o.Name, p.RequestedAt)
			if read := staff[o.ID]; o.DepartmentName != nil && !p.RequestedAt.Before(read.departmentAt) {
				read.department, read.departmentAt = o.DepartmentName, p.RequestedAt
				staff[o.ID] = read
			}
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
) (map[string]storedOwner, error) {
	ids := sortedKeys(owners)
	for id := range staff {
		if _, ok := owners[id]; !ok {
			ids = append(ids, id)
		}
	}
	known := make(map[string]storedOwner, len(ids))
	var id string
	var was storedOwner
	err := each(ctx, tx, "owner_ask", []any{c.source, ids}, []any{&id, &was.name, &was.department}, func() {
		known[id] = was
	})
	if err != nil {
		return nil, err
	}
	return known, nil
}

func (c *commit) addOwners(ctx context.Context, tx pgx.Tx, ids []string, owners map[string]time.Time,
	staff map[string]staffName,
) error {
	if _, err := exec(ctx, tx, "source_lock", c.source); err != nil {
		return err
	}
	seen := make([]time.Time, len(ids))
	for i, id := range ids {
		seen[i] = owners[id]
	}
	names, departments := namesOf(ids, staff)
	n, err := exec(ctx, tx, "owner_add", c.source, ids, names, seen, departments)
	c.counts.RowsChanged += n
	return err
}
