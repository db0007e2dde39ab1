package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/jackc/pgx/v5/pgxpool"
)

// printQuery runs a query and prints its rows as a table.
func printQuery(ctx context.Context, pool *pgxpool.Pool, out io.Writer, sql string) error {
	rows, err := pool.Query(ctx, sql)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, f := range rows.FieldDescriptions() {
		if i > 0 {
			fmt.Fprint(w, "\t")
		}
		fmt.Fprint(w, f.Name)
	}
	fmt.Fprintln(w)
	for rows.Next() {
		values, err := rows.Values()
		if err != nil {
			return fmt.Errorf("query: %w", err)
		}
		cells := make([]string, len(values))
		for i, v := range values {
			cells[i] = strings.ReplaceAll(fmt.Sprint(v), "\t", " ")
		}
		fmt.Fprintln(w, strings.Join(cells, "\t"))
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return w.Flush()
}
