package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// groupSetRow is the newest that the pages of a commit tell of a group set.
type groupSetRow struct {
	set    model.GroupSet
	readAt time.Time
}

// writeGroupSets writes the group sets that differ from what the list told before.
func (c *commit) writeGroupSets(ctx context.Context, tx pgx.Tx) error {
	newest := map[string]*groupSetRow{}
	for _, p := range c.pages {
		for _, g := range p.GroupSets {
			if was := newest[g.ID]; was == nil || !was.readAt.After(p.RequestedAt) {
				newest[g.ID] = &groupSetRow{set: g, readAt: p.RequestedAt}
			}
		}
	}
	if len(newest) == 0 {
		return nil
	}
	ids := sortedKeys(newest)
	sums := make([]int64, len(ids))
	for i, id := range ids {
		c.hash.reset()
		c.hash.groupSet(newest[id].set)
		sums[i] = c.hash.sum()
	}
	places, err := c.differing(ctx, tx, "group_set_ask", ids, sums, func(i int) time.Time { return newest[ids[i]].readAt })
	if err != nil || len(places) == 0 {
		return err
	}
	n := len(places)
	id, read, sum := make([]string, n), make([]time.Time, n), make([]int64, n)
	text, number, at := [5][]*string{}, [3][]*int64{}, [2][]*time.Time{}
	for i := range text {
		text[i] = make([]*string, n)
	}
	for i := range number {
		number[i] = make([]*int64, n)
	}
	for i := range at {
		at[i] = make([]*time.Time, n)
	}
	for i, place := range places {
		r := newest[ids[place]]
		g := &r.set
		id[i], read[i], sum[i] = g.ID, r.readAt, sums[place]
		for j, s := range []*string{g.Name, g.RelationType, g.OwnerID, g.Notice, extraText(g.Extra)} {
			text[j][i] = s
		}
		number[0][i], number[1][i], number[2][i] = g.MemberQuota, g.MemberCount, g.ChatCount
		at[0][i], at[1][i] = g.CreatedAt, g.ChangedAt
	}
	changed, err := exec(ctx, tx, "group_set_upsert", c.source, c.pass.Scope, id, text[0], text[1], text[2],
		number[0], number[1], number[2], text[3], at[0], at[1], text[4], read, sum)
	c.counts.RowsChanged += changed
	return err
}
