package store_test

import (
	"context"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/store/storetest"
)

// bi.daily_totals has a row for every day of the window, NULL where it is not
// known, and a reader who sees facts and views only can read it all.
func TestDailyTotalsAndTheirReader(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		do $$ begin create role syncd_reader; exception when duplicate_object or unique_violation then null; end $$;
		grant usage on schema bi, groupchat to syncd_reader;
		grant select on all tables in schema bi to syncd_reader;
		grant select on all tables in schema groupchat to syncd_reader;
		insert into sync.source values ('acme', 'wecom', 'ww1', 'Asia/Shanghai', now(), true);
		insert into sync.stat_window values ('acme', 'daily_stats', 4, 6);
		-- Batch 1 was first seen after the total of the 16th had been written.
		insert into sync.coverage (source, stream, subject, covered, first_seen_on) values
		       ('acme', 'daily_stats', '0', '{[2026-11-16,2026-11-18]}', '2026-11-17'),
		       ('acme', 'daily_stats', '1', '{[2026-11-16,2026-11-17]}', '2026-11-18');
		insert into groupchat.daily_stat_part (source, day, batch_no, owners_covered, msg_total, fetched_at, hash) values
		       ('acme', '2026-11-16', 0, 100, 7, now(), 0), ('acme', '2026-11-17', 0, 100, 8, now(), 0),
		       ('acme', '2026-11-18', 0, 100, 9, now(), 0), ('acme', '2026-11-17', 1, 5, 1, now(), 0);
		insert into groupchat.daily_stat (source, day, batches, owners_covered, msg_total, fetched_at) values
		       ('acme', '2026-11-10', 1, 90, 5, now()), ('acme', '2026-11-16', 1, 100, 7, now()),
		       ('acme', '2026-11-17', 2, 105, 9, now())`)
	require.NoError(t, err)
	read := func(sql string) []string {
		t.Helper()
		var list []string
		err := pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
			if _, err := tx.Exec(ctx, "set local role syncd_reader; set local syncd.now = '2026-11-20 09:00+08'"); err != nil {
				return err
			}
			rows, err := tx.Query(ctx, sql)
			if err != nil {
				return err
			}
			list, err = pgx.CollectRows(rows, pgx.RowTo[string])
			return err
		})
		require.NoError(t, err)
		return list
	}
	require.Equal(t, []string{
		"2026-11-10 covered 5", // before the window, and held
		"2026-11-13 lost -", "2026-11-14 lost -", "2026-11-15 lost -",
		"2026-11-16 covered 7", "2026-11-17 covered 9", "2026-11-18 pending -", "2026-11-19 pending -",
	}, read(`select concat_ws(' ', day, state, coalesce(msg_total::text, '-')) from bi.daily_totals order by day`))
	require.Equal(t, []string{"2026-11-20"}, read("select today::text from bi.sources"))
	require.Empty(t, read("select owner_id from bi.owner_daily"))
	_, err = pool.Exec(ctx, `insert into groupchat.owner_stat (source, owner_id, day, msg_total, fetched_at, hash)
		values ('acme', 'li', '2026-10-01', 3, '2026-11-20 09:00+08', 0)`)
	require.NoError(t, err)
	require.Equal(t, []string{"li 2026-10-01 covered 3"},
		read("select concat_ws(' ', owner_id, day, state, msg_total) from bi.owner_daily"), "a row of which coverage knows nothing")
	require.Empty(t, read("select owner_id from bi.owner_stat_as_of('2026-11-19'::date)"))
	require.Equal(t, []string{"li"}, read("select owner_id from bi.owner_stat_as_of('2026-11-20'::date)"))
	_, err = pool.Exec(context.WithoutCancel(ctx), "set role syncd_reader; select * from sync.coverage_state")
	require.ErrorContains(t, err, "permission denied")
}
