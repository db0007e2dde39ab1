package store_test

import (
	"os"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// What a commit asks and writes for a few keys reads a few rows, however large
// the tables are and although nothing is known about their content: they have
// never been analyzed, as in the first minutes of a new database, when most is
// written. With other ways to say the same the planner takes a constant source
// for a rare one and reads all its rows, in every commit.
func TestStatementsReadWhatTheyAreAskedFor(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		insert into groupchat.chat (source, chat_id, name, first_seen_at, known_from)
		select 'acme', 'wr' || i, '', 'epoch', 'epoch' from generate_series(1, 5000) i;
		insert into groupchat.chat_member (source, chat_id, member_id, joined_at, is_admin, first_seen_at, hash)
		select 'acme', 'wr' || i, 'wm' || j, 'epoch', false, 'epoch', 1
		  from generate_series(1, 1000) i, generate_series(1, 5) j;
		insert into groupchat.owner (source, owner_id, batch_no, first_seen_at)
		select 'acme', 'wr' || i, i / 100, 'epoch' from generate_series(1, 5000) i;
		insert into sync.item (source, stream, subject, due_at)
		select 'acme', 'members', 'wr' || i, 'epoch' from generate_series(1, 5000) i;
		insert into sync.candidate (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
		select 'acme', 'chats', 'chat', 'wr' || i, 1, 'epoch', false, 'members' from generate_series(1, 5000) i;
		insert into groupchat.sop_task (source, task_id, chat_id, first_seen_at, listed_at, list_hash, list_scope)
		select 'acme', 'wr' || i, 'wr' || i % 100, 'epoch', 'epoch', 0, 0 from generate_series(1, 5000) i;
		insert into groupchat.group_set (source, group_set_id, first_seen_at, listed_at, list_hash, list_scope)
		select 'acme', 'wr' || i, 'epoch', 'epoch', 0, 0 from generate_series(1, 5000) i;
		insert into groupchat.chat_tag (source, chat_id, tag_name, first_seen_at, listed_at)
		select 'acme', 'wr' || i, 'tag' || j, 'epoch', 'epoch' from generate_series(1, 1000) i, generate_series(1, 5) j;
		insert into groupchat.chat_calendar (source, chat_id, ordinal, raw, first_seen_at, listed_at, hash)
		select 'acme', 'wr' || i, j, '{}', 'epoch', 'epoch', 0 from generate_series(1, 1000) i, generate_series(1, 5) j;
		insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code)
		select 'acme', 'wr' || i, 'cid', 'bot' from generate_series(1, 5000) i;
		insert into groupchat.robot_message_read (source, process_query_key, user_id, first_seen_at)
		select 'acme', 'wr' || i, 'u' || j, 'epoch' from generate_series(1, 1000) i, generate_series(1, 5) j`)
	require.NoError(t, err)

	ids := []string{"wr11", "wr12", "wr13", "wr14", "wr15", "wr16", "wr17", "wr18", "wr19", "wr20", "wr21", "wr22"}
	null := func(kind string) string { return "array_fill(null::" + kind + ", array[12])" }
	for _, s := range []struct {
		name string
		args []any
		// more are the arguments after args, in SQL.
		more []string
		rows int64
	}{
		{name: "chat_ask", args: []any{"acme", ids}, rows: 12},
		{
			name: "chat_ask_listed", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill(1::bigint, array[12])", "1::bigint", "false"},
		},
		{name: "chat_member_ask", args: []any{"acme", ids}, rows: 60},
		{name: "owner_ask", args: []any{"acme", ids}, rows: 12},
		{name: "item_ask", args: []any{"acme", "members", ids}, rows: 12},
		{name: "candidate_ask", args: []any{"acme", "chats", "chat", ids}, rows: 12},
		{
			name: "sop_task_ask", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill(1::bigint, array[12])", "1::bigint", "false"},
		},
		{
			name: "group_set_ask", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill(1::bigint, array[12])", "1::bigint", "false"},
		},
		{name: "chat_tag_ask", args: []any{"acme", ids}, rows: 60},
		{name: "chat_calendar_ask", args: []any{"acme", ids}, rows: 60},
		{
			name: "robot_message_ask", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill('SUCCESS'::text, array[12])", "false"},
		},
		{
			name: "robot_message_read_add", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill('new'::text, array[12])", "array_fill('epoch'::timestamptz, array[12])"},
		},
		{
			name: "robot_message_status", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill('SUCCESS'::text, array[12])", "array_fill('epoch'::timestamptz, array[12])"},
		},
		{
			name: "robot_message_close", args: []any{"acme", ids}, rows: 12,
			more: []string{"array_fill('epoch'::timestamptz, array[12])", "array_fill('old'::text, array[12])"},
		},
		{
			name: "item_move", args: []any{"acme", "members", ids}, rows: 12,
			more: []string{
				null("timestamptz"), "array_fill('epoch'::timestamptz, array[12])", null("timestamptz"),
				"array_fill(0, array[12])", null("text"), null("bigint"), "array_fill(0, array[12])",
				"array_fill(false, array[12])",
			},
		},
		{
			name: "chat_upsert", args: []any{"acme", ids}, rows: 12,
			more: []string{
				"array_fill('new'::text, array[12])", null("text"), null("text"), null("text"), null("bigint"), null("text"),
				null("bigint"), null("text"), null("text"), null("timestamptz"), null("text"),
				"array_fill('epoch'::timestamptz, array[12])", null("timestamptz"), null("timestamptz"), null("bigint"),
				null("bigint"), null("bigint"),
			},
		},
	} {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile("sql/" + s.name + ".sql")
			require.NoError(t, err)
			tx, err := pool.Begin(ctx)
			require.NoError(t, err)
			defer func() { require.NoError(t, tx.Rollback(ctx)) }()
			_, err = tx.Exec(ctx, "set local plan_cache_mode = force_custom_plan")
			require.NoError(t, err)
			args := s.args
			for _, sql := range s.more {
				var v any
				require.NoError(t, tx.QueryRow(ctx, "select "+sql).Scan(&v))
				args = append(args, v)
			}
			before := rowsRead(t, tx)
			tag, err := tx.Exec(ctx, string(text), args...)
			require.NoError(t, err)
			require.Equal(t, s.rows, tag.RowsAffected())
			require.LessOrEqual(t, rowsRead(t, tx)-before, 3*s.rows)
		})
	}
}

// rowsRead is how many rows of tables this connection has looked at lately.
func rowsRead(t *testing.T, tx pgx.Tx) (n int64) {
	t.Helper()
	err := tx.QueryRow(t.Context(), `select sum(seq_tup_read + coalesce(idx_tup_fetch, 0))::bigint
		from pg_stat_xact_user_tables where schemaname in ('sync', 'groupchat')`).Scan(&n)
	require.NoError(t, err)
	return n
}

// Seeding messages, and looking for tasks that a list lacks, reads each table once or
// looks rows up by their keys.
func TestManyMessagesAndTasksAreNoTrouble(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code)
		select 'acme', 'wr' || i, 'cid', 'bot' from generate_series(1, 5000) i;
		insert into sync.item (source, stream, subject, due_at)
		select 'acme', 'message_reads', 'wr' || i, 'epoch' from generate_series(1, 6000) i;
		insert into groupchat.chat (source, chat_id, created_at, first_seen_at, known_from)
		select 'acme', 'wr' || i, case when i > 4000 then now() else 'epoch' end, 'epoch', 'epoch' from generate_series(1, 5000) i;
		insert into groupchat.sop_task (source, task_id, chat_id, first_seen_at, listed_at, list_hash, list_scope)
		select 'acme', 't' || i, 'wr' || i, 'epoch', 'epoch', 0, 1 from generate_series(1, 5000) i;
		insert into sync.reject (source, stream, kind, parent, id, raw_hash, raw, reason, pass_id, first_seen_at, last_seen_at)
		select 'acme', 'chats', 'chat', '', 'wr' || i, 0, '', '', 7, 'epoch', 'epoch' from generate_series(1, 2000) i;
		insert into sync.page (pass_id, subject, record, ids)
		select 7, 'all', 'task', array_agg('t' || i) from generate_series(2001, 3000) i`)
	require.NoError(t, err)
	for _, s := range []struct {
		name string
		args []any
		rows int64
	}{
		{"candidate_missing_task", []any{"acme", "chats", 7, 1, t0, t0}, 20000},
		{"candidate_add_task", []any{"acme", "chats", 7, 1, t0, t0, t0, false, ""}, 20000},
	} {
		text, err := os.ReadFile("sql/" + s.name + ".sql")
		require.NoError(t, err)
		tx, err := pool.Begin(ctx)
		require.NoError(t, err)
		_, err = tx.Exec(ctx, "set local plan_cache_mode = force_custom_plan; set local statement_timeout = '10min'")
		require.NoError(t, err)
		before := rowsRead(t, tx)
		tag, err := tx.Exec(ctx, string(text), s.args...)
		require.NoError(t, err, s.name)
		require.LessOrEqual(t, rowsRead(t, tx)-before, s.rows, s.name)
		if s.name == "candidate_add_task" {
			require.Equal(t, int64(1000), tag.RowsAffected(), "those of readable chats that are old enough")
		}
		require.NoError(t, tx.Rollback(ctx))
	}
}

// Items are seeded, and planned, by reading their records and the items of the
// stream a few times, and not the items for every record.
func TestSeedingItemsIsNotQuadratic(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		insert into groupchat.chat (source, chat_id, name, first_seen_at, known_from)
		select 'acme', 'wr' || i, '', 'epoch', 'epoch' from generate_series(1, 5000) i;
		insert into sync.candidate (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
		select 'acme', 'chats', 'chat', 'wr' || i, 1, 'epoch', false, 'chat_checks' from generate_series(1, 5000) i;
		insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at)
		select 'acme', 'wr' || i, 'cid', 'bot', 'epoch' from generate_series(1, 5000) i;
		insert into groupchat.group_message (source, msg_id, chat_type, created_at, first_seen_at, listed_at, hash)
		select 'acme', 'wr' || i, 'group', 'epoch', 'epoch', 'epoch', 0 from generate_series(1, 5000) i;
		insert into groupchat.group_message_task (source, msg_id, user_id, status, first_seen_at, fetched_at, hash)
		select 'acme', 'wr' || i, 'u', 0, 'epoch', 'epoch', 0 from generate_series(1, 5000) i;
		insert into groupchat.join_way_wanted (source, config_id) select 'acme', 'wr' || i from generate_series(1, 5000) i;
		insert into sync.item (source, stream, subject, due_at, params, born_at)
		select 'acme', s.stream, 'wr' || i || s.rest, '2100-01-01', s.params, s.born_at
		  from (values ('members', '', null, null), ('chat_checks', '', null, null), ('join_ways', '', null, null),
		               ('message_reads', '', '{"chat":"cid","robot":"bot"}', timestamptz 'epoch'),
		               ('group_message_tasks', '', null, 'epoch'), ('group_message_results', '/u', null, 'epoch'))
		       as s (stream, rest, params, born_at), generate_series(11, 5020) i`)
	require.NoError(t, err)
	for stream, tables := range map[string]int64{
		"members": 1, "chat_checks": 1, "message_reads": 1, "join_ways": 1, "group_message_tasks": 1, "group_message_results": 2,
	} {
		for _, rest := range []string{"seed", "plan"} {
			t.Run(stream+" "+rest, func(t *testing.T) {
				t.Parallel()
				tx, err := pool.Begin(ctx)
				require.NoError(t, err)
				defer func() { require.NoError(t, tx.Rollback(ctx)) }()
				_, err = tx.Exec(ctx, "set local plan_cache_mode = force_custom_plan")
				require.NoError(t, err)
				sql, args := store.ItemStatement(stream, rest)
				args = append(args, t0)
				if rest == "plan" {
					args = append(args, true)
				}
				before := rowsRead(t, tx)
				rows, err := tx.Query(ctx, sql, args...)
				require.NoError(t, err)
				planned, err := pgxRows[int64](rows)
				require.NoError(t, err)
				require.LessOrEqual(t, rowsRead(t, tx)-before, 5_200*(4+tables))
				if rest == "plan" {
					require.Equal(t, []int64{10}, planned)
				} else {
					require.Equal(t, int64(10), rows.CommandTag().RowsAffected())
				}
			})
		}
	}
}

// How streams stand is told by their latest passes, and what they have had before
// is not read, however long they have run: every slice of the daemon asks for it.
func TestLongHistoriesAreNoTrouble(t *testing.T) {
	t.Parallel()
	ctx, pool := t.Context(), storetest.New(t)
	_, err := pool.Exec(ctx, `
		insert into sync.pass (source, stream, mode, trigger, scope, started_at, finished_at, outcome)
		select s.source, k.stream, k.mode, 'schedule', 1, 'epoch', 'epoch', case when i = 1 then 'complete' else 'partial' end
		  from generate_series(1, 2000) i, (values ('acme'), ('other')) s (source),
		       (values ('chats', 'full'), ('chats', 'new'), ('members', ''), ('owners', '')) k (stream, mode)
		 order by i;
		insert into sync.item (source, stream, subject, due_at) values ('acme', 'members', 'wr1', 'epoch'), ('acme', 'seeded', 'x', 'epoch')`)
	require.NoError(t, err)
	status, err := os.ReadFile("sql/stream_status.sql")
	require.NoError(t, err)
	for _, s := range []struct {
		what, sql string
		args      []any
		rows      int64
	}{
		{"status", string(status), []any{"acme", t0}, 4},
		{"every source", "select * from bi.freshness", nil, 7},
		{"one source", "select * from bi.freshness where source = 'acme'", nil, 4},
	} {
		tx, err := pool.Begin(ctx)
		require.NoError(t, err)
		before := rowsRead(t, tx)
		tag, err := tx.Exec(ctx, s.sql, s.args...)
		require.NoError(t, err, s.what)
		require.Equal(t, s.rows, tag.RowsAffected(), s.what)
		require.LessOrEqual(t, rowsRead(t, tx)-before, int64(60), s.what)
		require.NoError(t, tx.Rollback(ctx))
	}
}
