package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// What syncd run has noted is in the status, whoever asks: when streams run next,
// who is paused or halted and why, what is left of the month.
func TestStatusOfTheDaemon(t *testing.T) {
	t.Parallel()
	s := newSite(t, vendorsim.Options{Chats: 5})
	text, err := os.ReadFile(s.config)
	require.NoError(t, err)
	s.config = s.write("metered.yaml", strings.Replace(string(text), "per_hour: 0,", "per_hour: 0, per_month: 3000,", 1))
	s.ok("sync")
	_, err = s.pool.Exec(t.Context(), `
		insert into sync.schedule (source, stream, mode, expression, timezone, next_run_at, last_run_at, halted_at, failures, error)
		values ('acme', 'owners', '', '10 5 * * *', 'Asia/Shanghai', '2030-01-02 03:04:05Z', '2026-01-01Z', null, 0, null),
		       ('acme', 'chats', '', '20 * * * *', 'Asia/Shanghai', now() - interval '1 minute', null, now(), 2, 'no such corp'),
		       ('acme', 'members', '', '1 1 1 1 *', 'Asia/Shanghai', '2031-01-01Z', null, null, 0, null);
		insert into sync.source_health (source, failures, resume_at, paused_at, probe_at, error)
		values ('acme', 1, null, now() + interval '1 hour', now() + interval '2 hours', 'the secret is refused')`)
	require.NoError(t, err)

	r := s.run("status", "--json")
	require.Equal(t, exitLate, r.code, "a person has to look")
	var got statusReport
	require.NoError(t, json.Unmarshal([]byte(r.stdout), &got))
	require.True(t, got.Late)
	owners, chats, members := got.Streams[0], got.Streams[1], got.Streams[2]
	require.Equal(t, time.Date(2030, 1, 2, 3, 4, 5, 0, time.UTC), owners.NextRunAt)
	require.Equal(t, time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), *owners.LastRunAt)
	require.Nil(t, owners.HaltedAt)
	require.NotNil(t, chats.HaltedAt)
	require.Equal(t, "no such corp", chats.ScheduleError)
	require.EqualValues(t, 2, chats.Failures)
	require.Less(t, members.NextRunAt.Year(), 2031, "that schedule is no longer the configured one")

	require.Len(t, got.Sources, 1)
	acme := got.Sources[0]
	require.Equal(t, "wecom", acme.Vendor)
	require.Equal(t, time.Hour, acme.ProbeAt.Sub(*acme.PausedAt))
	require.Nil(t, acme.ResumeAt)
	require.Equal(t, "the secret is refused", acme.Error)
	require.Len(t, acme.Budget.Lanes, 1)
	month := acme.Budget.Lanes[0]
	require.Equal(t, "all", month.Lane)
	require.EqualValues(t, 3000, month.Limit)
	require.Positive(t, month.Used)
	require.Equal(t, month.Limit, month.Used+month.Left)
	require.Equal(t, scalar[int64](s, "select sum(used) from sync.call_budget"), month.Used)

	table := s.run("status").stdout
	for _, want := range []string{
		"halted", "does not run until the configuration changes: no such corp",
		"acme:  paused since " + acme.PausedAt.Format(time.RFC3339) + ": the secret is refused", "of 3,000 calls of the month are left",
	} {
		require.Contains(t, table, want)
	}

	// A pass that was complete since then ends the pause, whoever made it.
	_, err = s.pool.Exec(t.Context(), `
		update sync.schedule set halted_at = null;
		update sync.source_health set paused_at = '2026-01-01', probe_at = '2026-01-01'`)
	require.NoError(t, err)
	r = s.run("status")
	require.Equal(t, exitOK, r.code, r)
	require.NotContains(t, r.stdout, "the secret is refused")

	// A source that is only left alone for a moment is nobody's business.
	_, err = s.pool.Exec(t.Context(), `
		update sync.schedule set halted_at = null;
		update sync.source_health set paused_at = null, probe_at = null, resume_at = now() + interval '1 hour'`)
	require.NoError(t, err)
	r = s.run("status")
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, r.stdout, "left alone until")
	require.Contains(t, r.stdout, "  due  ")
	_, err = s.pool.Exec(t.Context(), `update sync.source_health set resume_at = now()`)
	require.NoError(t, err)
	require.NotContains(t, s.run("status").stdout, "left alone until")
}
