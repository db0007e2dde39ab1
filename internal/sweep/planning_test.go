package sweep_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/sweep"
)

type instant struct{}

func (instant) RoundTrip(*http.Request) (*http.Response, error) {
	return &http.Response{StatusCode: http.StatusOK, Body: io.NopCloser(bytes.NewReader([]byte("{}")))}, nil
}

// The time that is foretold is the time that the budget really takes.
func TestTimeForIsWhatTheBudgetTakes(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		calls  int64
		limits fetch.Limits
	}{
		{"no limit", 500, fetch.Limits{}},
		{"one call", 1, fetch.Limits{PerSecond: 1, PerMinute: 10, PerHour: 10}},
		{"per second", 600, fetch.Limits{PerSecond: 15}},
		{"per minute", 700, fetch.Limits{PerMinute: 120}},
		{"wecom, 250 owners", 660, fetch.Limits{PerMinute: 3000, PerHour: 60000}},
		{"below a call per second", 25, fetch.Limits{PerMinute: 10}},
		{"per hour", 200, fetch.Limits{PerMinute: 600, PerHour: 60}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c.limits.Concurrency = 4
				client := fetch.NewClient(fetch.Options{Source: "acme", Limits: c.limits, Transport: instant{}})
				began := time.Now()
				var wg sync.WaitGroup
				todo := make(chan struct{}, c.calls)
				for range c.calls {
					todo <- struct{}{}
				}
				close(todo)
				for range 4 {
					wg.Go(func() {
						for range todo {
							require.NoError(t, callOnce(t.Context(), client))
						}
					})
				}
				wg.Wait()
				took, told := time.Since(began), sweep.TimeFor(c.calls, c.limits)
				require.LessOrEqual(t, told, took+time.Second)
				require.InEpsilon(t, (took + time.Second).Seconds(), (told + time.Second).Seconds(), 0.05, "took %s, foretold %s", took, told)
			})
		})
	}
}

// callOnce makes a call, however long its budget makes it wait.
func callOnce(ctx context.Context, client *fetch.Client) error {
	for {
		_, err := client.Do(ctx, fetch.Request{Endpoint: "x", Prepare: func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, "http://vendor/x", http.NoBody)
		}})
		if bad, ok := errors.AsType[*fetch.Error](err); ok && bad.Class == fetch.ClassThrottled {
			time.Sleep(bad.RetryAfter) // in the bubble
			continue
		}
		return err
	}
}

// What is planned is what is called, to the call: from nothing, a day later, and
// when somebody is new.
func TestPlannedIsCalled(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 131)
	planned := func() int {
		t.Helper()
		gaps, err := v.store.PlannedGaps(t.Context(), "acme", "owner_stats", v.spec.Window, v.clock())
		require.NoError(t, err)
		calls, err := sweep.PlanWindow(v.spec, gaps, nil, 0, v.clock())
		require.NoError(t, err)
		return len(calls)
	}
	check := func(least int) {
		t.Helper()
		n := planned()
		require.GreaterOrEqual(t, n, least)
		v.called = nil
		v.pass(sweep.Request{})
		require.Len(t, v.called, n)
		require.Zero(t, planned())
	}
	check(360)
	require.Equal(t, "131", v.scalar("select count(*) from sync.coverage"))
	v.advance(24 * time.Hour)
	check(6)
	_, err := v.pool.Exec(t.Context(), `insert into groupchat.owner (source, owner_id, batch_no, first_seen_at)
		values ('acme', 'zoe', 1, now()), ('acme', 'old', 1, now())`)
	require.NoError(t, err)
	_, err = v.pool.Exec(t.Context(), "update groupchat.owner set gone_at = $1 where owner_id = 'old'", v.clock().AddDate(0, 0, -181))
	require.NoError(t, err)
	check(6)
	v.advance(3 * 24 * time.Hour)
	v.refused[ownerName(3)] = true
	n := planned()
	v.called = nil
	v.pass(sweep.Request{})
	require.InDelta(t, n, len(v.called), 6*8, "one who is refused costs a few calls more")
}

// So it is of any number of owners around the bounds of a call, where part of them
// lack some days, by owners and by batches.
func TestPlannedIsCalledOfOddRosters(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 99, 100, 101, 199, 250} {
		for _, stream := range []string{"owner_stats", "daily_stats"} {
			t.Run(fmt.Sprint(n, " ", stream), func(t *testing.T) {
				t.Parallel()
				v := newBatchVendor(t, n)
				if stream == "owner_stats" {
					v.spec.Name, v.spec.Window.Subjects = stream, model.SubjectOwners
				}
				v.spec.Window.Reach, v.spec.Window.Backfill, v.reach = 40, 41, 41
				for _, lacking := range []string{"{}", "{[2026-10-15,2026-11-08)}", "{[2026-10-20,2026-10-22),[2026-11-02,2026-11-03)}"} {
					_, err := v.pool.Exec(t.Context(), `update sync.coverage set covered = covered - $1::text::datemultirange
						where right(subject, 1) in ('0', '4', '7')`, lacking)
					require.NoError(t, err)
					gaps, err := v.store.PlannedGaps(t.Context(), "acme", stream, v.spec.Window, v.clock())
					require.NoError(t, err)
					roster, err := v.store.Roster(t.Context(), model.Pass{Source: "acme", Stream: stream}, v.clock())
					require.NoError(t, err)
					calls, err := sweep.PlanWindow(v.spec, gaps, roster, 0, v.clock())
					require.NoError(t, err)
					require.NotEmpty(t, calls)
					v.called = nil
					v.pass(sweep.Request{})
					require.Len(t, v.called, len(calls), lacking)
					v.advance(24 * time.Hour)
				}
			})
		}
	}
}

// A vendor that allows two stat-days a day and no more, day after day: nothing is
// lost of the whole window.
func TestScarceBudgetLosesNothing(t *testing.T) {
	t.Parallel()
	v := newStatVendor(t, 6)
	v.spec.Window.Reach, v.spec.Window.Backfill, v.spec.Window.Lookback = 29, 30, 2
	v.reach = 29
	v.opts.CallsPerDay, v.spec.Concurrency = 2, 1 // or the two calls would not be the first two
	inner := v.source.answer
	left := 0
	v.source.answer = func(c model.Chain, cursor string) (model.Page, error) {
		v.mu.Lock()
		spent := left == 0
		if !spent {
			left--
		}
		v.mu.Unlock()
		if spent {
			return model.Page{}, &fetch.Error{Class: fetch.ClassThrottled, Code: "45009", RetryAfter: 20 * time.Hour}
		}
		return inner(c, cursor)
	}
	for range 40 {
		left = 2
		v.pass(sweep.Request{})
		require.Equal(t, "6", v.scalar("select count(*) from groupchat.owner_stat where day = '"+
			model.DayOf(v.clock(), china).Add(-1).String()+"'"), "yesterday is there")
		v.advance(24 * time.Hour)
	}
	v.pass(sweep.Request{})
	require.Empty(t, v.days("lost"))
	gaps, err := v.store.PlannedGaps(t.Context(), "acme", "owner_stats", v.spec.Window, v.clock().AddDate(0, 0, -1))
	require.NoError(t, err)
	for _, g := range gaps {
		for _, s := range g.Spans {
			require.Less(t, model.DayOf(v.clock(), china).Sub(s.From), 10, "the backlog is gone")
		}
	}
}
