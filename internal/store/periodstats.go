package store

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// writePeriodStats writes the figures of owners over periods. They are few, and
// read once a day: the statement itself leaves alone what has not changed.
func (c *commit) writePeriodStats(ctx context.Context, tx pgx.Tx) error {
	type row struct {
		model.PeriodStat
		readAt time.Time
	}
	var rows []row
	for _, p := range c.pages {
		for _, s := range p.PeriodStats {
			rows = append(rows, row{s, p.RequestedAt})
		}
	}
	if len(rows) == 0 {
		return nil
	}
	compare := func(a, b row) int {
		return cmp.Or(strings.Compare(a.OwnerID, b.OwnerID), a.From.Compare(b.From), a.To.Compare(b.To))
	}
	slices.SortStableFunc(rows, compare)
	rows = slices.CompactFunc(rows, func(a, b row) bool { return compare(a, b) == 0 })
	n := len(rows)
	owners, from, to, read := make([]string, n), make([]time.Time, n), make([]time.Time, n), make([]time.Time, n)
	set := newFigureSet(n)
	for i, r := range rows {
		owners[i], from[i], to[i], read[i] = r.OwnerID, date(r.From), date(r.To), r.readAt
		set.put(i, r.Figures, r.Extra, c.hashFigures(r.Figures, r.Extra))
	}
	f := set.figures
	changed, err := exec(ctx, tx, "owner_period_stat_upsert", c.source, owners, from, to, f[0], f[1], f[2], f[3], f[4],
		f[5], f[6], f[7], read, set.sums, set.extra)
	c.counts.RowsChanged += changed
	return err
}
