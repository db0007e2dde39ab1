package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// statKey is an owner and a day.
type statKey struct {
	owner string
	day   model.Day
}

func (k statKey) compare(o statKey) int {
	if n := strings.Compare(k.owner, o.owner); n != 0 {
		return n
	}
	return k.day.Compare(o.day)
}

// statRow is what one answer tells of an owner and a day.
type statRow struct {
	stat   model.OwnerStat
	readAt time.Time
	sum    int64
}

// writeOwnerStats writes figures that are new or differ, and withdraws those that
// the vendor does not tell any more for days that were read.
func (c *commit) writeOwnerStats(ctx context.Context, tx pgx.Tx) error {
	var fresh, changed []statRow
	var withdrawn []statKey
	var withdrawnAt []time.Time
	for _, p := range c.statPages() {
		told := map[statKey]statRow{}
		for _, s := range p.page.OwnerStats {
			told[statKey{s.OwnerID, s.Day}] = statRow{stat: s, readAt: p.page.RequestedAt, sum: c.hashFigures(s.Figures, s.Extra)}
		}
		stored, err := c.askOwnerStats(ctx, tx, p)
		if err != nil {
			return err
		}
		for key, row := range told {
			was, ok := stored[key]
			switch {
			case !ok:
				fresh = append(fresh, row)
			case was.fetchedAt.After(row.readAt):
			case c.pass.Full || was.sum != row.sum:
				changed = append(changed, row)
			}
		}
		for _, m := range p.moves {
			for day := m.Days.From; m.RefusedCode == "" && day.Compare(m.Days.To) <= 0; day = day.Add(1) {
				key := statKey{m.Subject, day}
				if _, ok := told[key]; ok {
					continue
				}
				if was, ok := stored[key]; ok && !was.fetchedAt.After(p.page.RequestedAt) {
					withdrawn = append(withdrawn, key)
					withdrawnAt = append(withdrawnAt, p.page.RequestedAt)
				}
			}
		}
	}
	if err := c.putOwnerStats(ctx, tx, fresh, changed); err != nil {
		return err
	}
	return c.withdrawOwnerStats(ctx, tx, withdrawn, withdrawnAt)
}

// statPage is a page of owner figures with what its step says of the days.
type statPage struct {
	page  *model.Page
	moves []model.WindowMove
}

func (c *commit) statPages() []statPage {
	var pages []statPage
	for i, p := range c.pages {
		if c.pass.Subjects == model.SubjectOwners {
			pages = append(pages, statPage{p, c.steps[i].Window})
		}
	}
	return pages
}

type storedStat struct {
	sum       int64
	fetchedAt time.Time
}

// askOwnerStats returns what is stored of the owners and days of a page.
func (c *commit) askOwnerStats(ctx context.Context, tx pgx.Tx, p statPage) (map[statKey]storedStat, error) {
	if len(p.moves) == 0 {
		return nil, nil //nolint:nilnil // nothing was asked for
	}
	var owners []string
	from, to := p.moves[0].Days.From, p.moves[0].Days.To
	for _, m := range p.moves {
		owners = append(owners, m.Subject)
		if m.Days.From.Compare(from) < 0 {
			from = m.Days.From
		}
		if m.Days.To.Compare(to) > 0 {
			to = m.Days.To
		}
	}
	slices.Sort(owners)
	stored := map[statKey]storedStat{}
	var owner string
	var day time.Time
	var s storedStat
	err := each(ctx, tx, "owner_stat_ask", []any{c.source, slices.Compact(owners), date(from), date(to)},
		[]any{&owner, &day, &s.sum, &s.fetchedAt}, func() {
			stored[statKey{owner, dayOf(day)}] = s
		})
	if err != nil {
		return nil, err
	}
	return stored, nil
}

var ownerStatColumns = []string{
	"source", "owner_id", "day", "new_chat_cnt", "chat_total", "chat_has_msg", "new_member_cnt", "member_total",
	"member_has_msg", "msg_total", "migrate_trainee_chat_cnt", "fetched_at", "hash", "extra",
}

func (r statRow) compare(o statRow) int {
	return statKey{r.stat.OwnerID, r.stat.Day}.compare(statKey{o.stat.OwnerID, o.stat.Day})
}

// putOwnerStats writes new rows by COPY and changed ones by upsert.
func (c *commit) putOwnerStats(ctx context.Context, tx pgx.Tx, fresh, changed []statRow) error {
	if c.upsertOnly {
		changed, fresh = slices.Concat(fresh, changed), nil
	}
	slices.SortFunc(fresh, statRow.compare)
	slices.SortFunc(changed, statRow.compare)
	c.counts.RowsChanged += int64(len(fresh))
	if len(fresh) > 0 {
		_, err := tx.CopyFrom(ctx, pgx.Identifier{"groupchat", "owner_stat"}, ownerStatColumns,
			pgx.CopyFromSlice(len(fresh), func(i int) ([]any, error) {
				r := &fresh[i]
				f := r.stat.Figures.All()
				return []any{
					c.source, r.stat.OwnerID, date(r.stat.Day), f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7],
					r.readAt, r.sum, r.stat.Extra,
				}, nil
			}))
		if err != nil {
			return fmt.Errorf("copy owner stats: %w", err)
		}
	}
	if len(changed) == 0 {
		return nil
	}
	n := len(changed)
	owners, days, read := make([]string, n), make([]time.Time, n), make([]time.Time, n)
	set := newFigureSet(n)
	for i := range changed {
		r := &changed[i]
		owners[i], days[i], read[i] = r.stat.OwnerID, date(r.stat.Day), r.readAt
		set.put(i, r.stat.Figures, r.stat.Extra, r.sum)
	}
	f := set.figures
	written, err := exec(ctx, tx, "owner_stat_upsert", c.source, owners, days, f[0], f[1], f[2], f[3], f[4], f[5], f[6], f[7],
		read, set.sums, set.extra)
	c.counts.RowsChanged += written
	return err
}

func (c *commit) withdrawOwnerStats(ctx context.Context, tx pgx.Tx, keys []statKey, at []time.Time) error {
	if len(keys) == 0 {
		return nil
	}
	owners, days := make([]string, len(keys)), make([]time.Time, len(keys))
	for i, k := range keys {
		owners[i], days[i] = k.owner, date(k.day)
	}
	n, err := exec(ctx, tx, "owner_stat_withdraw", c.source, owners, days, at)
	c.counts.RowsChanged += n
	return err
}
