package sweep_test

import (
	"context"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
	"syncd/internal/sweep"
)

// passSoon runs a pass that is expected to end by itself; one that calls the
// vendor again and again is cut off after callsMax.
func (b *bench) passSoon(req sweep.Request, callsMax int64) sweep.Result {
	b.t.Helper()
	ctx, cancel := context.WithCancel(b.t.Context())
	defer cancel()
	answer := b.source.answer
	b.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		if b.source.calls.Load() > callsMax {
			cancel()
		}
		return answer(chain, cursor)
	}
	res, err := b.runner().Pass(ctx, b.spec, req)
	require.NoError(b.t, err, "after %d calls", b.source.calls.Load())
	return res
}

// A circle of cursors that is longer than what one slice follows is noticed all
// the same.
func TestCircleLongerThanASlice(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(_ model.Chain, cursor string) (model.Page, error) {
		at, _ := strconv.Atoi(cursor)
		return model.Page{Chats: []model.Chat{{ID: "wr" + cursor}}, Next: strconv.Itoa(1 + (at+1)%10)}, nil
	})
	b.opts.SliceMax = time.Nanosecond
	res := b.passSoon(sweep.Request{}, 3000)
	require.Equal(t, model.OutcomeFailed, res.Outcome)
	require.ErrorContains(t, res.Reason, "same cursor")
}

// A clock that goes back does not make a full pass read the same items for as
// long as it stays behind.
func TestClockGoesBackDuringAFullPass(t *testing.T) {
	t.Parallel()
	var back atomic.Bool
	now := func() time.Time {
		if back.Load() {
			return time.Now().Add(-time.Hour)
		}
		return time.Now()
	}
	b := newBench(t, nil)
	b.opts.Now = now
	b.source.answer = func(c model.Chain, _ string) (model.Page, error) {
		back.Store(true)
		page := detail(c.Subject, "li")
		page.RequestedAt, page.ReceivedAt = now(), now()
		return page, nil
	}
	b.details("wr1", "wr2", "wr3")
	res := b.passSoon(sweep.Request{Full: true}, 50)
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, int64(3), b.source.calls.Load())
}

// The clock of the process that resumes a pass may be behind the one that opened
// it.
func TestClockIsBehindTheOpenPass(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) { return detail(c.Subject, "li"), nil })
	b.details("wr1", "wr2", "wr3")
	stop := make(chan struct{})
	close(stop)
	b.opts.Now = func() time.Time { return time.Now().Add(time.Hour) }
	require.True(t, b.pass(sweep.Request{Full: true, Stop: stop}).Stopped)
	b.opts.Now = time.Now
	res := b.passSoon(sweep.Request{}, 50)
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, int64(3), b.source.calls.Load())
}

// An answer that holds its chat twice is one answer.
func TestDetailThatHoldsItsChatTwice(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) {
		page := detail(c.Subject, "li")
		page.Details = append(page.Details, detail(c.Subject, "li", "a").Details...)
		return page, nil
	})
	b.details("wr1")
	res := b.passSoon(sweep.Request{}, 50)
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, "2", b.scalar("select count(*) from groupchat.chat_member"))
}

// A read from before the stored one settles its item too.
func TestItemReadInTheFuture(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) { return detail(c.Subject, "li"), nil })
	b.details("wr1")
	b.pass(sweep.Request{})
	_, err := b.pool.Exec(t.Context(), `update sync.item
		set fetched_at = now() + interval '1 hour', doubt_hash = 1, doubts = 1, due_at = now() - interval '1 hour'`)
	require.NoError(t, err)
	b.source.calls.Store(0)
	b.passSoon(sweep.Request{}, 50)
}

// A doubtful item does not hold up the pass for longer than the pause between
// two reads, whatever its due_at says.
func TestDoubtfulItemDueInTheFarFuture(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, _ string) (model.Page, error) { return detail(c.Subject, "li"), nil })
	b.details("wr1")
	b.pass(sweep.Request{})
	_, err := b.pool.Exec(t.Context(), "update sync.item set doubt_hash = 1, doubts = 1, due_at = now() + interval '1 hour'")
	require.NoError(t, err)
	end := make(chan error, 1)
	go func() {
		_, err := b.runner().Pass(t.Context(), b.spec, sweep.Request{})
		end <- err
	}()
	require.NoError(t, soon(t, end))
}

// A clock that was a year ahead leaves items that are due in a year; a full pass
// is the way out.
func TestFullPassHealsWhatAFastClockWrote(t *testing.T) {
	t.Parallel()
	b := newBench(t, nil)
	members := []string{"li", "a"}
	b.source.answer = func(c model.Chain, _ string) (model.Page, error) {
		page := detail(c.Subject, members...)
		page.RequestedAt, page.ReceivedAt = b.opts.Now(), b.opts.Now()
		return page, nil
	}
	b.details("wr1", "wr2")
	b.opts.Now = func() time.Time { return time.Now().AddDate(1, 0, 0) }
	b.pass(sweep.Request{})
	b.opts.Now = time.Now
	members = []string{"li", "a", "b"}
	b.passSoon(sweep.Request{Full: true}, 50)
	require.Equal(t, int64(4), b.source.calls.Load())
	require.Equal(t, "6", b.scalar("select count(*) from groupchat.chat_member where left_before is null"))
	require.Equal(t, "2", b.scalar("select count(*) from sync.item where due_at < now() + interval '2 hours'"))
}

// A record whose pages never end, though no cursor comes twice, keeps nobody.
func TestRecordWithoutALastPage(t *testing.T) {
	t.Parallel()
	b := newBench(t, func(c model.Chain, cursor string) (model.Page, error) {
		page := detail(c.Subject, "li")
		if at, _ := strconv.Atoi(cursor); c.Subject == "wr1" {
			page.Next, page.Last = strconv.Itoa(at+1), false
		}
		return page, nil
	})
	b.details("wr1", "wr2")
	b.spec.Concurrency = 1
	res := b.pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, res.Outcome)
	require.Equal(t, "wr2", b.scalar("select string_agg(chat_id, ' ') from groupchat.chat where detail_at is not null"))
	require.Equal(t, "wr1 pages", b.scalar("select string_agg(concat_ws(' ', subject, last_error_code), ', ') from sync.item where failures > 0"))
	require.Equal(t, res.Pass.Counts.Calls, b.source.calls.Load(), "calls in vain are counted")
}
