package main

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/scrm"
)

func TestSCRMSync(t *testing.T) {
	t.Parallel()
	s, sim := newSCRMSite(t, scrm.Options{Groups: 130, Start: time.Now().Add(-time.Hour)})
	r := s.ok("sync")
	t.Log(r)
	want := sim.Totals(sim.Moment())
	t.Logf("%+v", want)
	require.Equal(t, 130, scalar[int](s, "select count(*) from groupchat.chat where gone_at is null"))
	first := s.checksums()
	r = s.ok("sync")
	t.Log(r)
	require.Equal(t, first, s.checksums())
}
