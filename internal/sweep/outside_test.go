package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

// A vendor that refuses the time up to now does not say that nothing was created
// then: rather our clock is ahead. Nothing counts as held, and when the clock is right
// again another pass lists what there is.
func TestTheLatestTimeIsNeverOutOfReach(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	real := v.now
	good := v.source.answer
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		if chain.Bounds.Until.After(real) {
			return model.Page{}, vendorError(fetch.ClassOutside, "600018")
		}
		return good(chain, cursor)
	}
	v.mode("").spec.Bounds = &model.BoundsSpec{Margin: time.Minute, FromWatermark: true, Reach: 50 * time.Hour, SpanMax: 20 * time.Hour}
	v.now = real.Add(10 * time.Hour)
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeFailed, res.Outcome)
	require.ErrorContains(t, res.Reason, "600018")
	require.Equal(t, v.now.Add(time.Hour), res.ResumeAt)
	require.Equal(t, "0 0", v.scalar("select (select count(*) from sync.watermark) || ' ' || (select count(*) from sync.finding)"))

	v.now = real
	require.Equal(t, model.OutcomeComplete, v.pass(sweep.Request{}).Outcome)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())
	require.Equal(t, "08:59:00", v.scalar("select (watermark at time zone 'UTC')::time from sync.watermark"))
}
