package main

import (
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"

	"syncd/internal/store"
	"syncd/internal/vendorsim"
)

// findings are the rows of sync.finding that verify has written: kind, subject,
// how often it was found, and whether it stands.
func (s *site) findings() []string {
	s.t.Helper()
	rows, err := s.pool.Query(s.t.Context(), `
		select concat_ws(' ', stream, kind, subject, times, case when cleared_at is null then 'stands' else 'cleared' end)
		  from sync.finding where kind = any ($1) order by 1`, store.VerifyRules())
	require.NoError(s.t, err)
	list, err := pgx.CollectRows(rows, pgx.RowTo[string])
	require.NoError(s.t, err)
	return list
}

// bend changes what is stored behind syncd's back.
func (s *site) bend(sql string, args ...any) {
	s.t.Helper()
	_, err := s.pool.Exec(s.t.Context(), sql, args...)
	require.NoError(s.t, err, sql)
}

// What a tenant tells fits together; whatever is bent afterwards is found, one row
// each, and the command it names mends it.
func TestVerify(t *testing.T) {
	t.Parallel()
	s := newStatSite(t, vendorsim.Options{
		Seed: 21, Chats: 400, Owners: 112, MeanMembers: 5, MaxMembers: 20, Corrections: -1,
		Start: time.Date(2026, 11, 19, 9, 0, 0, 0, china),
	})
	require.Equal(t, exitOK, s.runOn(s.now, "sync").code)
	r := s.runOn(s.now, "verify")
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stdout, "acme: 0 findings by 11 rules; 179 days of statistics compared with the vendor's totals\n")
	require.Equal(t, 2, scalar[int](s.site, "select max(batches) from groupchat.daily_stat"), "two batches")

	owner := scalar[string](s.site, "select min(owner_id) from groupchat.owner_stat where day = '2026-10-01'")
	chat := scalar[string](s.site, "select min(chat_id) from groupchat.chat where gone_at is null")
	s.bend("update groupchat.owner_stat set msg_total = msg_total + 3 where owner_id = $1 and day = '2026-10-01'", owner)
	s.bend("update groupchat.daily_stat_part set member_total = 1e6 where day = '2026-10-02' and batch_no = 0")
	s.bend("update groupchat.daily_stat set member_total = 1e6 where day = '2026-10-02'")
	s.bend("update groupchat.chat set detail_at = null, detail_hash = null where chat_id = $1", chat)
	s.bend("update sync.item set due_at = $2, failures = 3, last_error_code = '-1' where subject = $1", chat, s.sim.Now().Add(5*time.Hour))
	s.bend("insert into groupchat.owner_stat (source, owner_id, day, fetched_at, hash) values ('acme', 'nobody', '2026-10-03', now(), 0)")
	s.bend(`update sync.pass set total_first = 7, total_last = 8 where pass_id = (select max(pass_id) from sync.pass where stream = 'owners')`)
	// A day of which other owners are covered is not compared.
	s.bend("update groupchat.daily_stat set msg_total = 0 where day = '2026-10-04'")
	s.bend("update sync.coverage set covered = covered - '{[2026-10-04,2026-10-04]}'::datemultirange, reread = '{}' where stream = 'owner_stats' and subject = $1", owner)

	r = s.runOn(s.now, "verify", "acme")
	require.Equal(t, exitLate, r.code, r)
	want := []string{
		"members never_detailed " + chat + " 1 stands", "owner_stats sum_member_total 2026-10-02 1 stands",
		"owner_stats sum_msg_total 2026-10-01 1 stands", "owner_stats unknown_owner nobody 1 stands",
		"owners pass_total  1 stands",
	}
	require.Equal(t, want, s.findings())
	require.Contains(t, r.stdout, "acme: 5 findings by 11 rules; 178 days of statistics compared")
	require.Contains(t, r.stdout, "pass 1 saw")

	// Rules that are skipped find nothing and clear nothing.
	r = s.runOn(s.now, "verify", "--skip", "sum_msg_total", "--skip", "sum_member_total", "--skip", "pass_total",
		"--skip", "unknown_owner", "--skip", "never_detailed")
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stdout, "0 findings by 6 rules")
	require.Equal(t, want, s.findings())

	// The commands that it names mend it; the second round finds the day that could
	// not be compared before.
	for range 2 {
		r = s.runOn(s.now, "verify")
		require.Equal(t, exitLate, r.code, r)
		for line := range strings.SplitSeq(r.stdout, "\n") {
			for command := range strings.SplitSeq(line, "&&") {
				if words := strings.Fields(command); len(words) > 1 && words[0] == "syncd" {
					got := s.runOn(s.now, words[1:]...)
					require.Equal(t, exitOK, got.code, got)
				}
			}
		}
	}
	s.bend("delete from groupchat.owner_stat where owner_id = 'nobody'") // whom the vendor does not know either
	r = s.runOn(s.now, "verify")
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, s.findings(), "owner_stats sum_msg_total 2026-10-04 1 cleared")
	for _, f := range s.findings() {
		require.Contains(t, f, " cleared")
	}
	require.Contains(t, r.stdout, "179 days")

	require.Equal(t, exitUsage, s.runOn(s.now, "verify", "--skip", "sum").code)
	require.Equal(t, exitUsage, s.runOn(s.now, "verify", "other").code)
}
