package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// printQuery runs a query and prints its rows as a table, numbers to the right.
func printQuery(ctx context.Context, pool *pgxpool.Pool, out io.Writer, sql string) error {
	// The simple protocol has every value as a text, as psql would show it.
	rows, err := pool.Query(ctx, sql, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		return fmt.Errorf("query: %w", err)
	}
	defer rows.Close()
	var t columns
	var names []string
	for _, f := range rows.FieldDescriptions() {
		names = append(names, f.Name)
		t.right = append(t.right, isNumber(f.DataTypeOID))
	}
	t.add(names...)
	for rows.Next() {
		var cells []string
		for _, value := range rows.RawValues() {
			cells = append(cells, oneLine(string(value)))
		}
		t.add(cells...)
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("query: %w", err)
	}
	return t.print(out)
}

func isNumber(oid uint32) bool {
	switch oid {
	case pgtype.Int2OID, pgtype.Int4OID, pgtype.Int8OID, pgtype.NumericOID, pgtype.Float4OID, pgtype.Float8OID:
		return true
	}
	return false
}

// oneLine puts spaces in place of whatever would break a line.
func oneLine(text string) string { return strings.Join(strings.Fields(text), " ") }
