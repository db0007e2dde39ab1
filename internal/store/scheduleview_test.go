package store_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/store"
	"syncd/internal/store/storetest"
)

// What a status reads is what the engine has noted.
func TestScheduleView(t *testing.T) {
	t.Parallel()
	ctx, s := t.Context(), store.New(storetest.New(t))
	health, err := s.SourceHealth(ctx, "acme")
	require.NoError(t, err)
	require.Zero(t, health)

	now := time.Date(2026, 11, 20, 2, 0, 0, 0, time.UTC)
	table := func(source, stream, mode string) model.Timetable {
		return model.Timetable{
			Source: source, Stream: stream, Mode: mode, Expression: "7 * * * *", Timezone: "UTC", NextRunAt: now.Add(time.Hour),
		}
	}
	list := []model.Timetable{table("acme", "chats", ""), table("acme", "chats", "full"), table("other", "owners", "")}
	require.NoError(t, s.ApplySchedules(ctx, list, []time.Time{now, now.Add(time.Minute), now}, now))
	require.NoError(t, s.NoteSlice(ctx, model.SliceNote{
		Source: "acme", Stream: "chats", At: now, Outcome: "config", Error: "no such corp", Failed: true, Halt: true,
		HoldSource: now.Add(time.Minute), ProbeAt: now.Add(time.Hour),
	}))

	got, err := s.Schedules(ctx, "acme")
	require.NoError(t, err)
	require.Len(t, got, 2)
	chats := got["chats"]
	require.Equal(t, "7 * * * *", chats.Expression)
	require.Equal(t, "config", chats.Outcome)
	require.Equal(t, "no such corp", chats.Error)
	require.EqualValues(t, 1, chats.Failures)
	require.True(t, chats.NextRunAt.Equal(now))
	require.True(t, chats.HaltedAt.Equal(now))
	full := got[store.ModeKey("chats", "full")]
	require.True(t, full.NextRunAt.Equal(now.Add(time.Minute)))
	require.Nil(t, full.HaltedAt)
	require.Nil(t, full.LastRunAt)
	require.Empty(t, full.Outcome)

	health, err = s.SourceHealth(ctx, "acme")
	require.NoError(t, err)
	require.True(t, health.PausedAt.Equal(now))
	require.True(t, health.ProbeAt.Equal(now.Add(time.Hour)))
	require.True(t, health.ResumeAt.Equal(now.Add(time.Minute)))
	require.Equal(t, "no such corp", health.Error)

	// What has left the configuration is shown no more.
	require.NoError(t, s.ApplySchedules(ctx, list[:1], []time.Time{now}, now))
	got, err = s.Schedules(ctx, "acme")
	require.NoError(t, err)
	require.Len(t, got, 1)
}
