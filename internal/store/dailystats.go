package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// partRow is a day of one batch.
type partRow struct {
	day           model.Day
	batch, owners int
	figures       model.Figures
	extra         []byte
	readAt        time.Time
	sum           int64
}

func (r partRow) compare(o partRow) int {
	return cmp.Or(r.day.Compare(o.day), cmp.Compare(r.batch, o.batch))
}

// writeDayParts writes the days of batches that are new or differ.
func (c *commit) writeDayParts(ctx context.Context, tx pgx.Tx) error {
	rows, batches := c.dayParts()
	if len(rows) == 0 {
		return nil
	}
	first, last := rows[0].day, rows[len(rows)-1].day
	type key struct {
		day   model.Day
		batch int
	}
	stored := map[key]int64{}
	var day time.Time
	var batch int
	var sum int64
	err := each(ctx, tx, "daily_stat_part_ask", []any{c.source, batches, date(first), date(last)},
		[]any{&day, &batch, &sum}, func() {
			stored[key{dayOf(day), batch}] = sum
		})
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r partRow) bool {
		was, ok := stored[key{r.day, r.batch}]
		return ok && was == r.sum && !c.pass.Full
	})
	return c.upsertDayParts(ctx, tx, rows)
}

// dayParts collects the days of batches, sorted and distinct, with the numbers of
// the batches.
func (c *commit) dayParts() (rows []partRow, batches []int) {
	for i, p := range c.pages {
		step := &c.steps[i]
		for _, d := range p.DayStats {
			r := partRow{
				day: d.Day, batch: step.Batch, owners: step.OwnersAsked, figures: d.Figures, extra: d.Extra,
				readAt: p.RequestedAt,
			}
			r.sum = c.hashFigures(d.Figures, d.Extra, int64(r.owners))
			rows, batches = append(rows, r), append(batches, r.batch)
		}
	}
	slices.SortStableFunc(rows, partRow.compare)
	rows = slices.CompactFunc(rows, func(a, b partRow) bool { return a.compare(b) == 0 })
	slices.Sort(batches)
	return rows, slices.Compact(batches)
}

func (c *commit) hashFigures(f model.Figures, extra []byte, more ...int64) int64 {
	c.hash.reset()
	for _, n := range f.All() {
		c.hash.int(n)
	}
	c.hash.bytes(extra)
	for _, n := range more {
		c.hash.number(n)
	}
	return c.hash.sum()
}

func (c *commit) upsertDayParts(ctx context.Context, tx pgx.Tx, rows []partRow) error {
	if len(rows) == 0 {
		return nil
	}
	n := len(rows)
	days, read := make([]time.Time, n), make([]time.Time, n)
	batch, owners := make([]int, n), make([]int, n)
	set := newFigureSet(n)
	for i, r := range rows {
		days[i], read[i], batch[i], owners[i] = date(r.day), r.readAt, r.batch, r.owners
		set.put(i, r.figures, r.extra, r.sum)
	}
	f := set.figures
	written, err := exec(ctx, tx, "daily_stat_part_upsert", c.source, days, batch, owners, f[0], f[1], f[2], f[3], f[4], f[5],
		f[6], f[7], read, set.sums, set.extra)
	c.counts.RowsChanged += written
	return err
}

// sumDays puts the days together whose last batch has come in with this commit,
// or has changed with it, or of whose last batch nobody can be asked for.
func (c *commit) sumDays(ctx context.Context, tx pgx.Tx) error {
	var days []model.Day
	var at time.Time
	for i := range c.steps {
		if !c.steps[i].Totals {
			continue
		}
		for _, m := range c.steps[i].Window {
			if m.RefusedCode != "" && m.RefusedCode != model.CodeNoOwner {
				continue
			}
			at = m.At
			for day := m.Days.From; day.Compare(m.Days.To) <= 0; day = day.Add(1) {
				days = append(days, day)
			}
		}
	}
	if len(days) == 0 {
		return nil
	}
	slices.SortFunc(days, model.Day.Compare)
	days = slices.Compact(days)
	dates := make([]time.Time, len(days))
	for i, day := range days {
		dates[i] = date(day)
	}
	n, err := exec(ctx, tx, "daily_stat_sum", c.source, c.stream, dates, at, model.CodeNoOwner)
	c.counts.RowsChanged += n
	return err
}

// figureSet are the columns that all tables of figures share, as arrays.
type figureSet struct {
	figures [8][]*int64
	sums    []int64
	extra   []*string
}

func newFigureSet(n int) *figureSet {
	s := &figureSet{sums: make([]int64, n), extra: make([]*string, n)}
	for j := range s.figures {
		s.figures[j] = make([]*int64, n)
	}
	return s
}

func (s *figureSet) put(i int, f model.Figures, extra []byte, sum int64) {
	for j, n := range f.All() {
		s.figures[j][i] = n
	}
	s.sums[i], s.extra[i] = sum, extraText(extra)
}
