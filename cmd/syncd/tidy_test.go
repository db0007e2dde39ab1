package main

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// The daemon removes old bookkeeping when it starts, by its clock, and keeps what
// tells how things stand.
func TestRunTidiesUp(t *testing.T) {
	t.Parallel()
	s := newDaemonSite(t, vendorsim.Options{Chats: 10})
	d, _ := s.daemon()
	s.until("everything to be read", fmt.Sprintf(complete, "acme"))
	d.signals <- syscall.SIGTERM
	require.Equal(t, exitOK, d.wait().code)
	passes := scalar[int](s.site, "select count(*) from sync.pass")
	_, err := s.pool.Exec(t.Context(), `
		insert into sync.pass (source, stream, mode, trigger, scope, started_at, finished_at, outcome)
		select 'gone', 'chats', '', 'schedule', 1, now() - n * interval '1 day', now() - n * interval '1 day', 'complete'
		  from generate_series(500, 390, -1) n;
		insert into sync.reject (source, stream, kind, parent, id, raw_hash, raw, reason, pass_id, first_seen_at, last_seen_at)
		select 'gone', 'chats', 'chat', '', n::text, n, '{}', 'odd', 1, now(), now() - n * interval '1 day'
		  from generate_series(1, 60) n`)
	require.NoError(t, err)

	// Nine days on, by the clock of this daemon.
	again := begin(t, func(h *host) {
		h.getenv, h.now = s.getenv, func() time.Time { return time.Now().Add(9 * 24 * time.Hour) }
	}, "run", "--config", s.config)
	t.Cleanup(func() {
		select {
		case again.signals <- syscall.SIGTERM:
		default:
		}
	})
	saw(t, again.stderr, "old bookkeeping is removed")
	again.signals <- syscall.SIGTERM
	r := again.wait()
	require.Equal(t, exitOK, r.code, r)
	require.GreaterOrEqual(t, scalar[int](s.site, "select count(*) from sync.pass where source = 'acme'"), passes)
	// 400 days before nine days from now: the younger, and none of 391 days and more.
	require.Equal(t, 1, scalar[int](s.site, "select count(*) from sync.pass where source = 'gone'"))
	require.Equal(t, 20, scalar[int](s.site, "select count(*) from sync.reject"))
}
