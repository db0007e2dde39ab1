package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

func TestFollowedRecords(t *testing.T) {
	t.Parallel()
	born := time.Date(2026, 11, 4, 9, 0, 0, 0, time.UTC)
	f := model.Follow{For: 24 * time.Hour, Min: 10 * time.Minute, Late: time.Hour}
	var reads []time.Duration
	for due, last := born, false; !last; {
		reads = append(reads, due.Sub(born).Round(time.Minute))
		require.False(t, f.Over(born, due))
		require.Less(t, len(reads), 100)
		due, last = f.Next(born, due)
	}
	require.Equal(t, []time.Duration{
		0, 10 * time.Minute, 20 * time.Minute, 30 * time.Minute, 45 * time.Minute, 68 * time.Minute, 101 * time.Minute,
		152 * time.Minute, 228 * time.Minute, 342 * time.Minute, 513 * time.Minute, 769 * time.Minute, 1153 * time.Minute, 24 * time.Hour,
	}, reads, "often while it is young, and last when it ends")

	require.False(t, f.Over(born, born.Add(25*time.Hour)))
	require.True(t, f.Over(born, born.Add(25*time.Hour+1)))
	require.False(t, f.Over(time.Time{}, born), "nobody knows how old it is")
	f.Late = 0
	require.False(t, f.Over(born, born.Add(9999*time.Hour)))
}
