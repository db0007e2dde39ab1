package schedule

import (
	"errors"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/model"
)

func TestSettle(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 20, 6, 0, 0, 0, time.UTC)
	why := errors.New("why")
	in := func(d time.Duration) time.Time { return now.Add(d) }
	for name, c := range map[string]struct {
		v    Verdict
		st   model.Standing
		note model.SliceNote
		end  end
	}{
		"done":    {v: Verdict{Kind: Done}, note: model.SliceNote{Outcome: "done", Healthy: true}},
		"more":    {v: Verdict{Kind: More}, note: model.SliceNote{Outcome: "more", Healthy: true}, end: end{snoozed: true}},
		"stopped": {v: Verdict{Kind: Stopped}, note: model.SliceNote{Outcome: "stopped"}, end: end{snoozed: true}},
		"later at": {
			v:    Verdict{Kind: Later, At: in(48 * time.Hour), Err: why},
			note: model.SliceNote{Outcome: "later", Error: "why", ResumeAt: in(48 * time.Hour)},
			end:  end{snoozed: true, snooze: 48 * time.Hour},
		},
		"later already": {
			v:    Verdict{Kind: Later, At: in(-time.Hour), Err: why},
			note: model.SliceNote{Outcome: "later", Error: "why", ResumeAt: in(time.Second)},
			end:  end{snoozed: true, snooze: time.Second},
		},
		"later without a time": {
			v:    Verdict{Kind: Later, Err: why},
			note: model.SliceNote{Outcome: "later", Error: "why", ResumeAt: in(time.Minute)},
			end:  end{snoozed: true, snooze: time.Minute},
		},
		"busy": {
			v:    Verdict{Kind: Busy, At: in(time.Hour), Err: why},
			note: model.SliceNote{Outcome: "busy", Error: "why", ResumeAt: in(5 * time.Second)},
			end:  end{snoozed: true, snooze: 5 * time.Second},
		},
		"transient, the first": {
			v: Verdict{Kind: Transient, Err: why},
			note: model.SliceNote{
				Outcome: "transient", Error: "why", Failed: true, ResumeAt: in(30 * time.Second), HoldSource: in(10 * time.Second),
			},
			end: end{snoozed: true, snooze: 30 * time.Second},
		},
		"transient, the fourth, of a source that answers others": {
			v: Verdict{Kind: Transient, Err: why}, st: model.Standing{Failures: 3},
			note: model.SliceNote{
				Outcome: "transient", Error: "why", Failed: true, ResumeAt: in(4 * time.Minute), HoldSource: in(10 * time.Second),
			},
			end: end{snoozed: true, snooze: 4 * time.Minute},
		},
		"blocked, of a source that is paused": {
			v: Verdict{Kind: Blocked, Err: why}, st: model.Standing{Paused: true, Failures: 1},
			note: model.SliceNote{
				Outcome: "blocked", Error: "why", Failed: true, ResumeAt: in(4 * time.Second), DueAt: in(4 * time.Second), HandOn: true,
			},
		},
		"blocked for the third time": {
			v: Verdict{Kind: Blocked, Err: why}, st: model.Standing{Failures: 2},
			note: model.SliceNote{Outcome: "blocked", Error: "why", Failed: true, ResumeAt: in(8 * time.Second)},
			end:  end{snoozed: true, snooze: 8 * time.Second},
		},
		"auth": {
			v:    Verdict{Kind: Auth, Err: why},
			note: model.SliceNote{Outcome: "auth", Error: "why", ProbeAt: in(time.Hour), DueAt: in(time.Hour), ResumeAt: in(time.Hour)},
		},
		"config": {
			v:    Verdict{Kind: Config, Err: why},
			note: model.SliceNote{Outcome: "config", Error: "why", Halt: true, DueAt: now}, end: end{cancelled: true},
		},
		"unknown": {
			v: Verdict{Kind: Unknown, Err: why}, st: model.Standing{Failures: 1},
			note: model.SliceNote{Outcome: "unknown", Error: "why", Failed: true, ResumeAt: in(2 * time.Minute)},
			end:  end{failed: true, snooze: 2 * time.Minute},
		},
		"a kind nobody knows": {
			v:    Verdict{Kind: "fine", Err: why},
			note: model.SliceNote{Outcome: "unknown", Error: "why", Failed: true, ResumeAt: in(time.Minute)},
			end:  end{failed: true, snooze: time.Minute},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c.note.At = now
			note, outcome := c.v.whole().settle(c.st, now, time.Hour, 0.5)
			require.Equal(t, c.note, note)
			require.Equal(t, c.end, outcome)
		})
	}
}

// A job that ends with an error has one, however the slice put it.
func TestNoVerdictWithoutReason(t *testing.T) {
	t.Parallel()
	for _, kind := range []Kind{Later, Transient, Busy, Blocked, Auth, Config, Unknown, Absent, "", "other"} {
		require.Error(t, Verdict{Kind: kind}.whole().Err, kind)
	}
	for _, kind := range []Kind{Done, More, Stopped} {
		require.NoError(t, Verdict{Kind: kind, Err: errors.New("no")}.whole().Err, kind)
	}
}

func TestBackoffGrowsWithinBounds(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(0, 1<<30).Draw(t, "n")
		chance := rapid.Float64Range(0, 0.999).Draw(t, "chance")
		d := backoff(30*time.Second, 30*time.Minute, n, chance)
		require.GreaterOrEqual(t, d, 24*time.Second)
		require.LessOrEqual(t, d, 36*time.Minute)
		require.LessOrEqual(t, d, backoff(30*time.Second, 30*time.Minute, n+1, chance))
	})
}

func TestScrubbed(t *testing.T) {
	t.Parallel()
	known := func(s string) string {
		if s == "hunter2" {
			return "***"
		}
		return s
	}
	for text, want := range map[string]string{
		"hunter2": "***",
		`Get "https://x/cgi-bin/get?access_token=abc123&debug=1": EOF`: `Get "https://x/cgi-bin/get?access_token=***&debug=1": EOF`,
		"corpsecret=s3cr3t":                 "corpsecret=***",
		`{"appSecret":"abc","x":1}`:         `{"appSecret":"***","x":1}`,
		"Authorization: Bearer abcdefgh.ij": "Authorization: Bearer ***",
		"postgres://u:pw@host/db":           "postgres://u:***@host/db",
		"gone at page 7":                    "gone at page 7",
		"a\x00b\xff":                        "ab\uFFFD",
	} {
		require.Equal(t, want, scrubbed(text, known))
	}
	require.Less(t, len(scrubbed(string(make([]byte, 1<<20)), nil)), textMax+10)
}

func FuzzScrubbedHoldsNoToken(f *testing.F) {
	f.Add("get ", "&x=1")
	f.Fuzz(func(t *testing.T, before, after string) {
		const secret = "Zq7Zq7Zq7Zq7"
		out := scrubbed(before+"?access_token="+secret+"&"+after, nil)
		require.NotContains(t, out, secret)
	})
}

func TestTurns(t *testing.T) {
	t.Parallel()
	for workers, most := range map[int]int{1: 1, 2: 1, 3: 1, 4: 2, 8: 4} {
		turns := newTurns(workers)
		var gives []func()
		for range most {
			give, ok := turns.take("a")
			require.True(t, ok)
			gives = append(gives, give)
		}
		_, ok := turns.take("a")
		require.False(t, ok)
		give, ok := turns.take("b")
		require.True(t, ok)
		gives = append(gives, give)
		require.Equal(t, map[string]int{"a": most, "b": 1}, turns.inFlight)
		for _, give := range gives {
			give()
		}
		require.Empty(t, turns.inFlight)
	}
}
