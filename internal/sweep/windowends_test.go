package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

// The clock of one host is behind that of another, over midnight: what the other
// has read again today is not read again and again yesterday.
func TestWindowWhoseClockGoesBackOverMidnight(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 2)
	v.pass(sweep.Request{})
	for _, back := range []time.Duration{24 * time.Hour, 365 * 24 * time.Hour} {
		v.advance(-back)
		v.source.calls.Store(0)
		res := v.passSoon(sweep.Request{}, 1000)
		require.Equal(t, model.OutcomeComplete, res.Outcome)
		calls := v.source.calls.Load()
		v.passSoon(sweep.Request{}, 1000)
		require.Equal(t, calls, v.source.calls.Load(), "nothing is wanted twice")
		v.advance(back)
	}
}

// A batch that the vendor refuses as a whole, and takes in halves, has no culprit.
func TestBatchThatIsRefusedAsAWhole(t *testing.T) {
	t.Parallel()
	for _, class := range []fetch.Class{fetch.ClassTooLarge, fetch.ClassRefused} {
		t.Run(class.String(), func(t *testing.T) {
			t.Parallel()
			v := newStatVendor(t, 10)
			v.spec.Name, v.spec.Window.Subjects = "daily_stats", model.SubjectBatches
			inner := v.source.answer
			v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
				page, err := inner(c, cursor)
				if err == nil && len(v.called[len(v.called)-1].Owners) > 5 {
					return model.Page{}, vendorError(class, "40058")
				}
				return page, err
			}
			v.spec.Concurrency = 1
			res := v.passSoon(sweep.Request{}, 3000)
			require.Equal(t, model.OutcomeComplete, res.Outcome)
			require.Equal(t, "180", v.days("refused"))
			require.Equal(t, "40058", v.scalar("select distinct refused_code from sync.coverage"))
		})
	}
}
