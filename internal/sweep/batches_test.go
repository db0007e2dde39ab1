package sweep_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

// newBatchVendor is a statVendor whose owners fill batches of a hundred.
func newBatchVendor(t *testing.T, owners int) *statVendor {
	t.Helper()
	v := newStatVendor(t, owners)
	_, err := v.pool.Exec(t.Context(), "update groupchat.owner set batch_no = right(owner_id, 3)::int / 100")
	require.NoError(t, err)
	v.spec.Name, v.spec.Window.Subjects = "daily_stats", model.SubjectBatches
	for i := range owners {
		v.bonus[ownerName(i)] = 1
	}
	return v
}

func TestDaysArePutTogetherOverBatches(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 250)
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Len(t, v.called, 3*(6+1), "179 days in six spans, and one day alone")
	storetest.WantRows(t, v.pool, "groupchat.daily_stat_part", 3*180)
	require.Equal(t, "180 3 250 250", v.scalar(
		"select concat_ws(' ', count(*), min(batches), min(owners_covered), min(msg_total)) from groupchat.daily_stat"))
}

func TestDayIsWrittenOnlyWhenEveryBatchIsIn(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 150)
	v.spec.Concurrency = 1
	inner := v.source.answer
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		if v.source.calls.Load() == 4 {
			return model.Page{}, vendorError(fetch.ClassThrottled, "45009")
		}
		return inner(c, cursor)
	}
	v.pass(sweep.Request{})
	require.Equal(t, "2", v.scalar("select count(distinct batch_no) from groupchat.daily_stat_part"))
	require.Equal(t, v.scalar(`select count(*) from (select day from groupchat.daily_stat_part group by day having count(*) = 2) d`),
		v.scalar("select count(*) from groupchat.daily_stat"))
	v.pass(sweep.Request{})
	require.Equal(t, "180", v.scalar("select count(*) from groupchat.daily_stat where batches = 2"))
}

func TestNewBatchLeavesWrittenDaysAlone(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 100)
	v.pass(sweep.Request{})
	_, err := v.pool.Exec(t.Context(), `insert into groupchat.owner (source, owner_id, batch_no, first_seen_at)
		values ('acme', 'u100', 1, now())`)
	require.NoError(t, err)
	v.advance(24 * time.Hour)
	v.called = nil
	v.pass(sweep.Request{})
	require.Len(t, v.called, 2, "the latest days of each batch")
	require.Equal(t, "2026-11-20 2", v.scalar("select max(day) || ' ' || max(batches) from groupchat.daily_stat"))
	require.Equal(t, "1", v.scalar("select batches from groupchat.daily_stat where day = '2026-10-01'"))
}

// One owner breaks the batch: the day is told without them, and says so.
func TestCulpritIsLeftOutOfTheBatch(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 100)
	v.refused[ownerName(42)] = true
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, "180 99 99", v.scalar(
		"select concat_ws(' ', count(*), max(owners_covered), max(msg_total)) from groupchat.daily_stat"))
	require.Equal(t, "owner/u042 60011", v.scalar(
		"select subject || ' ' || last_error_code from sync.item where stream = 'daily_stats'"))
	require.Equal(t, "the vendor refuses this owner in a filter (60011); the figures of the owner's batch are without them",
		v.scalar("select detail from sync.finding"))
	require.LessOrEqual(t, len(v.called), 7+4*15)
	require.EqualValues(t, len(v.called), res.Pass.Counts.Calls, "the search for the culprit counts, too")

	v.refused[ownerName(42)] = false
	v.advance(24 * time.Hour)
	v.pass(sweep.Request{})
	require.Equal(t, "100", v.scalar("select owners_covered from groupchat.daily_stat order by day desc limit 1"))
	require.Equal(t, "0", v.scalar("select count(*) from sync.item where stream = 'daily_stats'"), "taken again, forgotten")
}

func TestCorrectedDayIsSummedAgain(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 150)
	v.pass(sweep.Request{})
	v.advance(24 * time.Hour)
	v.bonus[ownerName(120)] = 11
	v.pass(sweep.Request{})
	require.Equal(t, "2026-11-18 160, 2026-11-19 160, 2026-11-20 160", v.scalar(
		"select string_agg(day || ' ' || msg_total, ', ' order by day) from groupchat.daily_stat where day > '2026-11-17'"))
	require.Equal(t, "150", v.scalar("select msg_total from groupchat.daily_stat where day = '2026-11-17'"))
}

func TestPeriodsEndYesterday(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 150)
	v.spec.Name = "owner_period_stats"
	v.spec.Window = &model.WindowSpec{
		Zone: china, Reach: 1, Backfill: 1, ReadyHour: 6, SpanMax: 30,
		Subjects: model.SubjectBatches, Periods: []int{7, 30},
	}
	v.pass(sweep.Request{})
	require.Len(t, v.called, 4)
	require.Equal(t, "300", v.scalar("select count(*) from groupchat.owner_period_stat where day_to = '2026-11-19'"))
	require.Equal(t, "2026-10-21 2026-11-13", v.scalar(
		"select string_agg(d::text, ' ' order by d) from (select distinct day_from d from groupchat.owner_period_stat) p"))
	v.pass(sweep.Request{})
	require.Len(t, v.called, 4, "once a day")
	v.advance(48 * time.Hour)
	v.pass(sweep.Request{})
	require.Len(t, v.called, 8)
	require.Equal(t, fmt.Sprint(4), v.days("lost"), "a day was missed, and says so")
	v.now = time.Date(2026, 11, 23, 3, 0, 0, 0, china)
	require.Equal(t, model.OutcomeComplete, v.pass(sweep.Request{}).Outcome, "yesterday is not told yet")
	require.Len(t, v.called, 8)
}
