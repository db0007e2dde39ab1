package sweep_test

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// Somebody edits a time by hand and means it: infinity. No stream may stumble
// over it for ever.
func TestInfinityInAnyTime(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 3)
	v.sync()
	rows, err := v.pool.Query(t.Context(), `
		select format('%I.%I', table_schema, table_name), quote_ident(column_name)
		  from information_schema.columns
		 where table_schema in ('groupchat', 'sync') and data_type = 'timestamp with time zone'
		   and table_name in (select tablename from pg_tables)
		   and column_name <> 'expires_at'`)
	require.NoError(t, err)
	type column struct{ Table, Name string }
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[column])
	require.NoError(t, err)
	require.Greater(t, len(columns), 20)
	stop := make(chan struct{})
	close(stop)
	for _, c := range columns {
		for _, value := range []string{"infinity", "-infinity"} {
			v.unlist("wr0001")
			for _, open := range []bool{false, true} {
				if open { // a pass that is open
					v.pass(sweep.Request{Stop: stop})
				}
				_, err := v.pool.Exec(t.Context(), "update "+c.Table+" set "+c.Name+" = $1::text::timestamptz", value)
				require.NoError(t, err)
				t.Logf("%s.%s is %s", c.Table, c.Name, value)
				for name, res := range v.sync() {
					require.Equal(t, model.OutcomeComplete, res.Outcome, "%s", name)
				}
			}
			v.chats = []string{"wr0000", "wr0001", "wr0002"}
			v.sync()
		}
	}
}

func TestLeaseForEverIsALease(t *testing.T) {
	t.Parallel()
	b := newBench(t, lister(1, 1))
	b.pass(sweep.Request{})
	_, err := b.pool.Exec(t.Context(), "update sync.lease set expires_at = 'infinity', holder = 'a person'")
	require.NoError(t, err)
	_, err = b.runner().Pass(t.Context(), b.spec, sweep.Request{})
	held, ok := errors.AsType[*model.LeaseHeldError](err)
	require.True(t, ok, "%v", err)
	require.Equal(t, "a person", held.Holder)
}
