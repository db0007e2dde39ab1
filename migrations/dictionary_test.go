package migrations_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/stretchr/testify/require"

	"syncd/internal/store/storetest"
)

var update = flag.Bool("update", false, "write docs/data-dictionary.md anew")

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(storetest.Main(m))
}

const dictionaryFile = "../docs/data-dictionary.md"

// The data dictionary says what the comments of the schema say, no more and no
// less. go test ./migrations -update writes it.
func TestDataDictionaryIsCurrent(t *testing.T) {
	t.Parallel()
	want, err := dictionary(t.Context(), storetest.New(t))
	require.NoError(t, err)
	require.NotContains(t, want, "|  |\n", "a column without a comment")
	if *update {
		require.NoError(t, os.WriteFile(dictionaryFile, []byte(want), 0o644)) //nolint:gosec // a page for everybody
	}
	have, err := os.ReadFile(dictionaryFile)
	require.NoError(t, err)
	require.Equal(t, want, string(have), "docs/data-dictionary.md is stale: go test ./migrations -update")
}

// relation is a table or a view.
type relation struct {
	Schema, Name, Kind, Comment, Key string
}

// column is one column of it.
type column struct {
	Name, Type, Comment string
	NotNull             bool
}

const relationsSQL = `
select n.nspname as schema, c.relname as name,
       case when c.relkind = 'v' then 'view' when c.relpersistence = 'u' then 'table, unlogged' else 'table' end as kind,
       coalesce(obj_description(c.oid, 'pg_class'), '') as comment,
       coalesce((select string_agg(a.attname, ', ' order by k.n)
                   from pg_index i
                   cross join unnest(i.indkey) with ordinality as k (attnum, n)
                   join pg_attribute a on a.attrelid = c.oid and a.attnum = k.attnum
                  where i.indrelid = c.oid and i.indisprimary), '') as key
  from pg_class c
  join pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relkind in ('r', 'v', 'm', 'p')
 order by c.relname`

const columnsSQL = `
select a.attname as name, format_type(a.atttypid, a.atttypmod) as type,
       coalesce(col_description(a.attrelid, a.attnum), '') as comment, a.attnotnull as not_null
  from pg_attribute a
 where a.attrelid = format('%I.%I', $1::text, $2::text)::regclass and a.attnum > 0 and not a.attisdropped
 order by a.attnum`

const dictionaryHead = `# Data dictionary · 数据字典

<!-- Generated from the comments in the database: go test ./migrations -update -->

Every table, view and column, as the database itself describes it (` + "`\\d+`" + ` in psql shows the
same). Read from the views of schema ` + "`bi`" + ` first. Facts stand in ` + "`groupchat`" + `, the state
of the synchronisation in ` + "`sync`" + `. Role ` + "`syncd_reader`" + `, where it exists, may read ` + "`bi`" + ` and
` + "`groupchat`" + `. NULL means "not known" or "not told", never zero. Instants are
` + "`timestamptz`" + `.
`

// dictionary is the page.
func dictionary(ctx context.Context, pool *pgxpool.Pool) (string, error) {
	var page strings.Builder
	page.WriteString(dictionaryHead)
	for _, schema := range []string{"bi", "groupchat", "sync"} {
		var comment string
		err := pool.QueryRow(ctx, "select coalesce(obj_description(oid, 'pg_namespace'), '') from pg_namespace where nspname = $1",
			schema).Scan(&comment)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(&page, "\n## Schema %s\n\n%s\n", schema, comment)
		rows, err := pool.Query(ctx, relationsSQL, schema)
		if err != nil {
			return "", err
		}
		relations, err := pgx.CollectRows(rows, pgx.RowToStructByName[relation])
		if err != nil {
			return "", err
		}
		for _, r := range relations {
			if err := r.describe(ctx, pool, &page); err != nil {
				return "", err
			}
		}
		if err := functions(ctx, pool, &page, schema); err != nil {
			return "", err
		}
	}
	return page.String(), nil
}

const functionsSQL = `
select format('%I.%s(%s)', n.nspname, p.proname, pg_get_function_arguments(p.oid)),
       replace(pg_get_function_result(p.oid), 'timestamp with time zone', 'timestamptz'),
       coalesce(obj_description(p.oid, 'pg_proc'), '')
  from pg_proc p
  join pg_namespace n on n.oid = p.pronamespace
 where n.nspname = $1
 order by 1`

func functions(ctx context.Context, pool *pgxpool.Pool, page *strings.Builder, schema string) error {
	rows, err := pool.Query(ctx, functionsSQL, schema)
	if err != nil {
		return err
	}
	var name, result, comment string
	head := "\n### Functions\n\n| function | returns | meaning |\n| --- | --- | --- |\n"
	_, err = pgx.ForEachRow(rows, []any{&name, &result, &comment}, func() error {
		name = strings.ReplaceAll(name, "timestamp with time zone", "timestamptz")
		fmt.Fprintf(page, "%s| `%s` | %s | %s |\n", head, name, result, comment)
		head = ""
		return nil
	})
	return err
}

func (r relation) describe(ctx context.Context, pool *pgxpool.Pool, page *strings.Builder) error {
	rows, err := pool.Query(ctx, columnsSQL, r.Schema, r.Name)
	if err != nil {
		return err
	}
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByName[column])
	if err != nil {
		return err
	}
	fmt.Fprintf(page, "\n### %s.%s\n\n%s\n", r.Schema, r.Name, r.Comment)
	if r.Key != "" {
		fmt.Fprintf(page, "\nKey: %s", r.Key)
		if r.Kind != "table" {
			fmt.Fprintf(page, " (%s)", r.Kind)
		}
		page.WriteString(".\n")
	}
	page.WriteString("\n| column | type | meaning |\n| --- | --- | --- |\n")
	for _, c := range columns {
		kind := strings.Replace(c.Type, "timestamp with time zone", "timestamptz", 1)
		if c.NotNull {
			kind += " not null"
		}
		fmt.Fprintf(page, "| `%s` | %s | %s |\n", c.Name, kind, strings.ReplaceAll(c.Comment, "|", `\|`))
	}
	return nil
}
