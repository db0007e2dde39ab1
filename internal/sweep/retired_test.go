package sweep_test

import (
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// goneSince says that an owner is gone since then; "" that they are back.
func (v *statVendor) goneSince(owner string, at time.Time) {
	v.t.Helper()
	_, err := v.pool.Exec(v.t.Context(), "update groupchat.owner set gone_at = $2 where owner_id = $1", owner, timeOrNil(at))
	require.NoError(v.t, err)
}

func timeOrNil(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// askedFor counts the calls that named an owner.
func (v *statVendor) askedFor(owner string) int {
	n := 0
	for _, call := range v.called {
		for _, id := range call.Owners {
			if id == owner {
				n++
			}
		}
	}
	return n
}

// An owner who has resigned is refused, and gone. Once every day on which they
// were there has left the window, nothing is wanted of them: no call, no day that
// is lost; until they are back.
func TestGoneOwnerRetires(t *testing.T) {
	t.Parallel()
	const day = 24 * time.Hour
	v := newStatVendor(t, 2)
	v.spec.Window.Backfill = 179
	const lost = "select coalesce(sum(upper(r) - lower(r)), 0) from sync.coverage c, unnest(c.lost) r where subject = 'u001'"
	v.pass(sweep.Request{})
	v.goneSince("u001", v.clock())
	v.refused["u001"] = true
	for range 9 {
		v.advance(20*day - time.Minute)
		v.called = nil
		v.pass(sweep.Request{})
		require.NotZero(t, v.askedFor("u001"), "while one of their days may be in the window")
	}
	require.Equal(t, "1", v.scalar(lost), "the day on which they went, which was never told")

	v.advance(day)
	v.called = nil
	require.Equal(t, model.OutcomeComplete, v.pass(sweep.Request{}).Outcome)
	require.Zero(t, v.askedFor("u001"))
	require.NotZero(t, v.askedFor("u000"))
	retired := model.DayOf(v.clock(), china).String()
	require.Equal(t, retired, v.scalar("select retired_on::text from sync.coverage where subject = 'u001'"))
	require.Equal(t, "1", v.scalar(lost))
	v.advance(30 * day)
	v.pass(sweep.Request{})
	require.Equal(t, "1", v.scalar(lost), "what is not wanted is not lost")
	status, err := v.store.WindowStatuses(t.Context(), "acme", v.clock())
	require.NoError(t, err)
	require.EqualValues(t, 1, status["owner_stats"].Subjects)
	require.Zero(t, status["owner_stats"].Pending+status["owner_stats"].AtRisk+status["owner_stats"].Refused)

	v.refused["u001"] = false
	v.goneSince("u001", time.Time{})
	v.pass(sweep.Request{})
	require.Equal(t, "1", v.scalar(lost))
	require.Equal(t, "{[2026-05-25,2026-11-20),[2026-12-22,2027-06-19)}", v.scalar(
		"select covered from sync.coverage where subject = 'u001'"), "back with the whole window")
	require.Equal(t, "0", v.scalar("select count(*) from sync.coverage where retired_on is not null"))
}

// What is held of an owner who has retired is not given up to be read again: nobody
// would read it.
func TestNothingIsReadAgainOfTheRetired(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 2)
	v.goneSince("u001", v.clock())
	for _, days := range []int{0, 179, 2} {
		v.advance(time.Duration(days) * 24 * time.Hour)
		v.pass(sweep.Request{})
	}
	const covered = "select covered from sync.coverage where subject = 'u001' and retired_on is not null"
	held := v.scalar(covered)
	require.NotEmpty(t, held)
	today := model.DayOf(v.clock(), china)
	v.called = nil
	v.pass(sweep.Request{Again: &sweep.Again{Days: model.Span{From: today.Add(-60), To: today.Add(-1)}}})
	require.NotZero(t, v.askedFor("u000"))
	require.Zero(t, v.askedFor("u001"))
	require.Equal(t, held, v.scalar(covered))
}

// An owner whom the vendor refused, and who is asked for no more, is no trouble.
func TestRetiredCulpritIsForgotten(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 2)
	v.refused[ownerName(1)] = true
	v.goneSince(ownerName(1), v.clock())
	const troubled = "select count(*) from sync.item where stream = 'daily_stats' and failures > 0"
	for _, at := range []struct {
		days int
		want string
	}{{0, "1"}, {179, "1"}, {2, "0"}} {
		v.advance(time.Duration(at.days) * 24 * time.Hour)
		require.Equal(t, model.OutcomeComplete, v.pass(sweep.Request{}).Outcome)
		require.Equal(t, at.want, v.scalar(troubled))
	}
}

// Totals do not wait for a batch all of whose owners are gone.
func TestBatchOfTheGoneRetires(t *testing.T) {
	t.Parallel()
	v := newBatchVendor(t, 102)
	v.pass(sweep.Request{})
	v.goneSince(ownerName(100), v.clock())
	v.goneSince(ownerName(101), v.clock().Add(time.Hour))
	for _, at := range []struct {
		days    int
		batches string
	}{{30, "2"}, {150, "2"}, {1, "1"}, {1, "1"}} {
		v.advance(time.Duration(at.days) * 24 * time.Hour)
		v.called = nil
		res := v.passSoon(sweep.Request{}, 3000)
		require.Equal(t, model.OutcomeComplete, res.Outcome)
		require.Equal(t, model.DayOf(v.clock(), china).Add(-1).String()+" "+at.batches, v.scalar(
			"select day || ' ' || batches from groupchat.daily_stat order by day desc limit 1"))
	}
	require.Zero(t, v.askedFor(ownerName(101)))
}
