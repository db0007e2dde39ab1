package main

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// Nobody but the daemon could start its private server again: where that ends by
// itself the daemon ends too, as a failure, and whoever starts it anew goes on.
func TestRunEndsWithItsPrivateServer(t *testing.T) {
	t.Parallel()
	s := newPrivateSite(t, vendorsim.Options{Chats: 10})
	s.configure(`http: {listen: "127.0.0.1:0"}`)
	daemon := s.start("run")
	saw(t, &daemon.stderr, `"message":"pass"`)
	require.NoError(t, syscall.Kill(serverPID(t, daemon.stderr.String()), syscall.SIGKILL))
	r := daemon.wait()
	require.Equal(t, exitFailed, r.code, r)
	require.Contains(t, r.stderr, "the private PostgreSQL has ended by itself")
	require.Contains(t, r.stderr, "postgres.log")

	s.ok("sync")
	requireStopped(t, s.dataDir)
	s.open()
	s.sameAsTruth()
}
