package model_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

func TestSpansBeginWhereTheLastPassEnded(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	now := time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)
	b := model.BoundsSpec{
		Margin: time.Minute, FromWatermark: true, Overlap: 3 * day, Reach: 30 * day, SpanMax: 28 * day,
	}
	for name, c := range map[string]struct {
		mark   time.Time
		after  time.Duration // before now
		chains int
	}{
		"nothing is held":           {time.Time{}, 30 * day, 2},
		"an hour ago":               {now.Add(-time.Hour), time.Hour + 3*day, 1},
		"a pass at this moment":     {now.Add(-time.Minute), time.Minute + 3*day, 1},
		"an outage beyond reach":    {now.Add(-80 * day), 83 * day, 3},
		"from a clock that is fast": {now.Add(365 * day), 30 * day, 2},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			names, spans := b.Spans("group", c.mark, now)
			require.Len(t, spans, c.chains)
			require.Len(t, names, c.chains)
			require.Equal(t, now.Add(-c.after), spans[0].After)
			require.Equal(t, now.Add(-time.Minute), spans[len(spans)-1].Until)
			for i := range spans[1:] {
				require.Equal(t, spans[i].Until, spans[i+1].After)
			}
		})
	}

	// Without a reach a list begins at its watermark, wherever that is.
	endless := b
	endless.Reach, endless.SpanMax = 0, 0
	_, spans := endless.Spans("group", now.Add(day), now)
	require.Equal(t, now.Add(-2*day), spans[0].After)
}
