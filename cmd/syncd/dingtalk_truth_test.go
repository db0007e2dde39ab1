package main

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim/dingtalk"
)

// dingStart is a Wednesday, some hours before anything is due.
var dingStart = time.Date(2026, 11, 4, 19, 0, 0, 0, china)

func TestDingTalkIsTheVendorsTruth(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]dingtalk.Options{
		"plain":              {Seed: 21, Chats: 430},
		"odd":                {Seed: 22, Chats: 430, Odd: true},
		"cursors that count": {Seed: 23, Chats: 430, Offsets: true},
		"excluded ends":      {Seed: 24, Chats: 430, BetweenOpen: true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.Start = dingStart
			s := newDingSite(t, o)
			sent := s.tracks(dingStart.Add(-24 * time.Hour))
			s.done("sync")
			s.chatsAreTrue(s.visible())
			s.setsAreTrue()
			for _, m := range sent {
				s.readersAreTrue(m.Key)
			}
			require.Equal(t, o.Odd, scalar[bool](s.site, "select exists (select from groupchat.chat where extra is not null)"))

			was, calls := s.checksums(), s.sim.MonthlyCalls()
			rows := s.written()
			s.done("sync")
			require.Equal(t, rows.writes, s.written().writes, "unchanged data is not written")
			require.Less(t, s.sim.MonthlyCalls()-calls, 5+2, "two lists of new groups and those of the sets")
			s.done("sync", "ding/chats", "ding/group_sets", "--full")
			require.Equal(t, was, s.checksums())
		})
	}
}

// readersAreTrue checks the status and the readers of a message right after it was
// asked for.
func (s *dingSite) readersAreTrue(key string) {
	s.t.Helper()
	truth, ok := s.sim.Message(key, s.sim.Now())
	require.True(s.t, ok)
	if !truth.Ready || truth.Expired {
		require.Empty(s.t, s.readers(key)[key])
		return
	}
	require.Equal(s.t, truth.Status, scalar[string](s.site, "select send_status from groupchat.robot_message where process_query_key = $1", key))
	require.ElementsMatch(s.t, truth.Readers, slices.Collect(maps.Keys(s.readers(key)[key])))
}
