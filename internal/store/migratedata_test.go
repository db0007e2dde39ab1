package store_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// The schema goes down and up again past every migration with rows in its tables,
// which the two vendors' modes and kinds of records have left.
func TestMigrateDownAndUpAgainWithData(t *testing.T) {
	t.Parallel()
	pool := storetest.New(t)
	_, err := pool.Exec(t.Context(), `
		insert into sync.pass (source, stream, mode, trigger, scope, full_read, started_at, outcome) values
			('acme', 'chats', 'full', 'command', 1, false, now(), 'partial'), ('acme', 'chats', 'new', 'command', 1, false, now(), 'running'),
			('acme', 'group_sets', '', 'command', 1, false, now(), 'running');
		insert into sync.checkpoint (source, stream, subject, params, params_raw, pass_id, updated_at, created_until)
			select source, stream, 's' || pass_id, '{}', '{}', pass_id, now(), now() from sync.pass;
		insert into sync.watermark values ('acme', 'chats', 'crm_customer', 1, now());
		insert into sync.page (pass_id, subject, record, ids, total_low, total_high) select pass_id, 's', 'chat', '{a,b}', 2, 2 from sync.pass;
		insert into sync.candidate (source, stream, record, subject, pass_id, missing_at, held, confirmed_by)
			select 'acme', 'chats', r, 'same', 1, now(), false, '' from unnest(array['chat', 'task', 'group_set']) r;
		insert into sync.item (source, stream, subject, due_at, params, born_at) values ('acme', 'message_reads', 'k', 'infinity', '{}', now());
		insert into sync.call_budget (source, month, used, blocked_until) values ('acme', '2026-11-01', 5000, now());
		insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code) values ('acme', 'k', 'c', 'r');
		insert into groupchat.chat_calendar values ('acme', 'c', 1, '{}', now(), now(), null, 1)`)
	require.NoError(t, err)
	for {
		file, err := store.MigrateDown(t.Context(), pool)
		require.NoError(t, err)
		if strings.Contains(file, "00007") {
			break
		}
	}
	var open, candidates, chains int
	err = pool.QueryRow(t.Context(), `select (select count(*) from sync.pass where finished_at is null),
		(select count(*) from sync.candidate), (select count(*) from sync.checkpoint)`).Scan(&open, &candidates, &chains)
	require.NoError(t, err)
	require.Equal(t, [3]int{1, 1, 1}, [3]int{open, candidates, chains}, "what an older binary understands")
	_, err = store.MigrateUp(t.Context(), pool)
	require.NoError(t, err)
	require.NoError(t, store.CheckSchema(t.Context(), pool))
}
