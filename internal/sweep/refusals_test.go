package sweep_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

// Somebody whose days are held is refused from now on, or their rows cannot be
// read any more, as of a person who has resigned: what is held stays, it is asked
// again once a day, and the pass has an end.
func TestHeldDaysThatAreRefusedWhenReadAgain(t *testing.T) {
	t.Parallel()
	for name, bend := range map[string]func(v *statVendor, bent bool){
		"owners": func(v *statVendor, bent bool) { v.refused[ownerName(0)], v.refused[ownerName(1)] = bent, bent },
		"rows":   func(v *statVendor, bent bool) { v.broken[ownerName(0)], v.broken[ownerName(1)] = bent, bent },
		"days": func(v *statVendor, bent bool) { // the vendor's clock is far behind
			if v.reach = 180; bent {
				v.reach = 0
			}
		},
		"batches": func(v *statVendor, bent bool) {
			v.spec.Name, v.spec.Window.Subjects = "daily_stats", model.SubjectBatches
			v.refused[ownerName(0)], v.refused[ownerName(1)] = bent, bent
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newStatVendor(t, 2)
			bend(v, false)
			v.pass(sweep.Request{})
			held := v.days("covered")
			v.advance(24 * time.Hour)
			bend(v, true)
			const callsMax = 300
			require.Equal(t, model.OutcomeComplete, v.passSoon(sweep.Request{}, callsMax).Outcome)
			require.Equal(t, held, v.days("covered"), "what is held stays")
			require.NotEqual(t, "0", v.days("refused"), "yesterday is not")
			v.called = nil
			require.Equal(t, model.OutcomeComplete, v.passSoon(sweep.Request{}, callsMax).Outcome)
			require.Empty(t, v.called, "nor is it asked again on that day")

			bend(v, false)
			v.advance(24*time.Hour - time.Minute)
			require.Equal(t, model.OutcomeComplete, v.passSoon(sweep.Request{}, callsMax).Outcome)
			require.Equal(t, "0", v.scalar(`select count(*) from sync.coverage where not covered @> datemultirange(daterange('2026-05-26', '2026-11-22'))`))
			require.Empty(t, v.days("refused"))
		})
	}
}

// The day beyond the vendor's reach is refused every day anew. What else is
// refused is tried again the next day all the same, and keeps its code till then.
func TestRefusedDaysAreTriedAgainTheNextDay(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 2)
	v.reach = 179
	v.broken[ownerName(1)] = true
	v.pass(sweep.Request{})
	require.Equal(t, "unreadable", v.scalar("select refused_code from sync.coverage where subject = 'u001'"))
	for range 3 { // each day's pass comes a little sooner after midnight
		v.advance(24*time.Hour - time.Minute)
		v.pass(sweep.Request{})
		require.Equal(t, "unreadable", v.scalar("select refused_code from sync.coverage where subject = 'u001'"))
	}
	v.broken[ownerName(1)] = false
	v.advance(24*time.Hour - time.Minute)
	v.pass(sweep.Request{})
	require.Equal(t, "{[2026-05-29,2026-11-24)}", v.scalar("select covered from sync.coverage where subject = 'u001'"))
}

// A clock that was a year ahead has set the next try.
func TestNextTryOfAWrongClock(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 2)
	v.refused[ownerName(1)] = true
	v.pass(sweep.Request{})
	_, err := v.pool.Exec(t.Context(), "update sync.coverage set retry_at = retry_at + interval '1 year'")
	require.NoError(t, err)
	v.refused[ownerName(1)] = false
	v.pass(sweep.Request{})
	require.Equal(t, fmt.Sprint(2*180), v.days("covered"))
}

// The last batch has one owner, who is refused: the others have their totals.
func TestBatchOfNobodyKeepsNoTotals(t *testing.T) {
	t.Parallel()
	const totals = "select concat_ws(' ', count(*), min(batches), max(batches), min(msg_total), max(owners_covered)) from groupchat.daily_stat"
	v := newBatchVendor(t, 101)
	v.refused[ownerName(100)] = true
	res := v.passSoon(sweep.Request{}, 200)
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, "180 1 1 100 100", v.scalar(totals))
	v.refused[ownerName(100)] = false
	v.advance(21 * time.Hour)
	require.Equal(t, model.OutcomeComplete, v.pass(sweep.Request{}).Outcome)
	require.Equal(t, "180 2 2 101 101", v.scalar(totals+" where batches = 2"))
}

// A period of a batch of which nobody can be asked for says nothing of totals.
func TestPeriodOfNobody(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 150)
	v.spec.Concurrency = 1
	inner := v.source.answer
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		if v.source.calls.Load() > 1 { // one batch is in
			return model.Page{}, vendorError(fetch.ClassThrottled, "45009")
		}
		return inner(c, cursor)
	}
	v.pass(sweep.Request{})
	require.Equal(t, "1", v.scalar("select count(distinct batch_no) from groupchat.daily_stat_part"))
	v.source.answer = inner
	v.spec.Name = "owner_period_stats"
	v.spec.Window.Reach, v.spec.Window.Backfill, v.spec.Window.Lookback = 1, 1, 0
	v.spec.Window.Periods = []int{7}
	for i := range 150 {
		v.refused[ownerName(i)] = true
	}
	v.passSoon(sweep.Request{}, 1000)
	require.Equal(t, "no owner", v.scalar("select distinct refused_code from sync.coverage where stream = 'owner_period_stats'"))
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.daily_stat"))
}

// Midnight comes while the owner is looked for who spoils a batch.
func TestMidnightAmongCulprits(t *testing.T) {
	t.Parallel()
	for at := int64(1); at < 10; at++ { // it takes nine calls
		t.Run(fmt.Sprint(at), func(t *testing.T) {
			t.Parallel()
			v := newBatchVendor(t, 8)
			v.spec.Concurrency, v.reach = 1, 31
			v.spec.Window.Reach, v.spec.Window.Backfill = 31, 31
			v.refused[ownerName(3)] = true
			inner := v.source.answer
			v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
				if v.source.calls.Load() == at {
					v.advance(24 * time.Hour)
				}
				return inner(c, cursor)
			}
			res := v.passSoon(sweep.Request{}, 200)
			require.Equal(t, model.OutcomeComplete, res.Outcome, "%v", res.Reason)
			require.Equal(t, "31", v.scalar("select count(*) from groupchat.daily_stat where owners_covered = 7 and day >= '2026-10-21'"))
		})
	}
}
