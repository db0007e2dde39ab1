package store

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// kind says how one kind of record is stored that pages tell of and that only one
// stream writes: the newest of each key, where it differs from what is stored. It
// is all that a further kind needs.
type kind[R any] struct {
	// of are the records of a page.
	of func(*model.Page) []R
	// values are those of a record, in the order of the parameters of upsert, the
	// key first: string, *string, int64, *int64, *time.Time.
	values func(R) []any
	// keys is how many of them make the key; they are strings.
	keys int
	// ask names the statement that tells which rows are to be written. Its
	// parameters are the source, an array for each part of the key, the hashes, and
	// whether to tell all of them. It returns places in the arrays, from 1, and when
	// the stored row was read.
	ask string
	// upsert names the statement that writes them. Its parameters are the source, an
	// array for each of values, when each was read, and the hashes.
	upsert string
}

// toldRow is the newest that the pages of a commit tell of a record.
type toldRow struct {
	values []any
	readAt time.Time
	sum    int64
}

// write writes the records that differ from what was told before.
func (k kind[R]) write(ctx context.Context, tx pgx.Tx, c *commit) error {
	rows := k.newest(c)
	if len(rows) == 0 {
		return nil
	}
	sums := make([]int64, len(rows))
	for i := range rows {
		c.hash.reset()
		c.hash.values(rows[i].values)
		rows[i].sum = c.hash.sum()
		sums[i] = rows[i].sum
	}
	args := append([]any{c.source}, arrays(len(rows), func(i int) []any { return rows[i].values[:k.keys] })...)
	var places []int
	var place int
	var stored *time.Time
	err := each(ctx, tx, k.ask, append(args, sums, c.pass.Full), []any{&place, &stored}, func() {
		if !later(stored, rows[place-1].readAt) || c.pass.Full {
			places = append(places, place-1)
		}
	})
	if err != nil {
		return err
	}
	if len(places) == 0 {
		return nil
	}
	slices.Sort(places)
	args = append([]any{c.source}, arrays(len(places), func(i int) []any {
		r := &rows[places[i]]
		return append(slices.Clip(r.values), r.readAt, r.sum)
	})...)
	n, err := exec(ctx, tx, k.upsert, args...)
	c.counts.RowsChanged += n
	return err
}

// newest collects the records of the pages, the newest of each key, in the order of
// the keys.
func (k kind[R]) newest(c *commit) []toldRow {
	told := map[string]toldRow{}
	for _, p := range c.pages {
		for _, record := range k.of(p) {
			values := k.values(record)
			var key strings.Builder
			for _, part := range values[:k.keys] {
				key.WriteString(part.(string) + "\x00") //nolint:forcetypeassert // see keys
			}
			if was, twice := told[key.String()]; !twice || !was.readAt.After(p.RequestedAt) {
				told[key.String()] = toldRow{values: values, readAt: p.RequestedAt}
			}
		}
	}
	rows := make([]toldRow, 0, len(told))
	for _, key := range sortedKeys(told) {
		rows = append(rows, told[key])
	}
	return rows
}

// arrays turns n rows into a slice for each of their columns: the parameters of a
// statement that unnests them. A column has the type of its values in the first row.
func arrays(n int, row func(i int) []any) []any {
	var columns []reflect.Value
	for i := range n {
		for j, v := range row(i) {
			if i == 0 {
				columns = append(columns, reflect.MakeSlice(reflect.SliceOf(reflect.TypeOf(v)), n, n))
			}
			columns[j].Index(i).Set(reflect.ValueOf(v))
		}
	}
	args := make([]any, len(columns))
	for j, column := range columns {
		args[j] = column.Interface()
	}
	return args
}

// values adds up the values of a row as [kind] has them.
func (h *hasher) values(row []any) {
	for _, v := range row {
		switch v := v.(type) {
		case string:
			h.string(v)
		case *string:
			h.text(v)
		case int64:
			h.number(v)
		case *int64:
			h.int(v)
		case *time.Time:
			h.time(v)
		default:
			panic(fmt.Sprintf("store: no hash of a %T", v))
		}
	}
}

// listText is a list of texts as a JSON array; nil for nil.
func listText(list []string) *string {
	if list == nil {
		return nil
	}
	text, err := json.Marshal(list)
	if err != nil {
		panic(fmt.Sprintf("store: encode texts: %v", err)) // texts always can be
	}
	return new(string(text))
}
