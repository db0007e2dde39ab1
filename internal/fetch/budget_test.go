package fetch

import (
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestPenaltiesGrowAndASuccessEndsThem(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		began := time.Now()
		c := client(t, Options{
			// throttled, throttled | throttled | good, throttled, good
			Transport: script(&sent, 429, 429, 429, 200, 429, 200),
			Penalties: []time.Duration{time.Minute, 5 * time.Minute, time.Hour},
		})
		resp, err := c.Do(t.Context(), to("http://vendor"))
		require.Equal(t, 5*time.Minute, asError(t, err).RetryAfter, "after the second answer")
		require.Equal(t, 2, resp.Calls)
		require.Equal(t, time.Minute, time.Since(began))

		time.Sleep(5 * time.Minute)
		_, err = c.Do(t.Context(), to("http://vendor"))
		require.Equal(t, time.Hour, asError(t, err).RetryAfter)
		state := c.Budget().State()
		require.Len(t, state, 1)
		require.Equal(t, "chats", state[0].Endpoint)
		require.Equal(t, time.Now().Add(time.Hour), state[0].BlockedUntil)
		require.Contains(t, state[0].Why, "http 429")

		time.Sleep(time.Hour)
		_, err = c.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)

		again := time.Now()
		_, err = c.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)
		require.Equal(t, time.Minute, time.Since(again), "the first step again")
	})
}

func TestAnswersInFlightCountAsOnePenalty(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		c := client(t, Options{
			Transport: transport(func(*http.Request) (*http.Response, error) {
				time.Sleep(time.Second)
				return reply(429, ""), nil
			}),
			Limits: Limits{Concurrency: 8}, Penalties: []time.Duration{5 * time.Minute, time.Hour},
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, err := c.Do(t.Context(), to("http://vendor"))
				require.Equal(t, 5*time.Minute, asError(t, err).RetryAfter)
			})
		}
		wg.Wait()
	})
}

// TestALateAnswerBelongsToTheBlockOfItsTime: a request let in before a block was
// noted is part of it, however late its own clock says that it was sent.
func TestALateAnswerBelongsToTheBlockOfItsTime(t *testing.T) {
	t.Parallel()
	g := newBudget(Limits{Concurrency: 2}, []time.Duration{time.Minute, time.Hour}, nil).gate("chats")
	first, err := g.enter(t.Context())
	require.NoError(t, err)
	second, err := g.enter(t.Context())
	require.NoError(t, err)
	bad := &Error{Class: ClassThrottled, Code: "45009"}
	now := time.Now()
	first.failed(bad, now)
	require.Equal(t, time.Minute, bad.RetryAfter)
	late := &Error{Class: ClassThrottled, Code: "45009"}
	second.failed(late, now.Add(time.Second))
	require.Equal(t, time.Minute-time.Second, late.RetryAfter)
}

func TestABlockIsForItsEndpointOrItsSource(t *testing.T) {
	t.Parallel()
	for scope, want := range map[Scope]Class{ScopeEndpoint: ClassUnknown, ScopeSource: ClassThrottled} {
		t.Run(string(scope), func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent []time.Time
				c := client(t, Options{
					Transport: script(&sent, 429, 200), Penalties: []time.Duration{time.Hour}, Limits: Limits{Scope: scope},
				})
				_, err := c.Do(t.Context(), to("http://vendor"))
				require.Error(t, err)
				other := to("http://vendor")
				other.Endpoint = "owners"
				_, err = c.Do(t.Context(), other)
				require.Equal(t, want, ClassOf(err))
			})
		})
	}
}

func TestPacesAreKept(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		limits Limits
		span   time.Duration
		most   int
	}{
		"second":      {Limits{PerSecond: 15}, time.Second, 15},
		"one":         {Limits{PerSecond: 1}, time.Second, 1},
		"minute":      {Limits{PerMinute: 300}, time.Minute, 300},
		"odd":         {Limits{PerMinute: 7}, time.Minute, 7},
		"both":        {Limits{PerSecond: 2, PerMinute: 60}, time.Minute, 60},
		"with a slow": {Limits{PerMinute: 120, Concurrency: 1}, time.Minute, 120},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				var sent []time.Time
				cl := client(t, Options{Transport: script(&sent, 200), Limits: c.limits})
				for range 3 * c.most {
					_, err := cl.Do(t.Context(), to("http://vendor"))
					require.NoError(t, err)
				}
				for i := range sent {
					if j := i + c.most; j < len(sent) {
						require.GreaterOrEqual(t, sent[j].Sub(sent[i]), c.span-time.Millisecond, "%d calls from %d", c.most+1, i)
					}
				}
				require.LessOrEqual(t, sent[len(sent)-1].Sub(sent[0]), 4*c.span, "and the budget is used")
			})
		})
	}
}

func TestSpentHourIsHandedBack(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		c := client(t, Options{Transport: script(&sent, 200), Limits: Limits{PerHour: 10, PerMonth: 15}})
		for range 10 {
			_, err := c.Do(t.Context(), to("http://vendor"))
			require.NoError(t, err)
		}
		resp, err := c.Do(t.Context(), to("http://vendor"))
		e := asError(t, err)
		require.Equal(t, ClassThrottled, e.Class)
		require.Equal(t, "the hour's budget of 10 calls is spent", e.Message)
		require.Equal(t, 61*time.Minute, e.RetryAfter)
		require.Zero(t, resp.Calls)
		require.Equal(t, 0, c.Budget().State()[0].HourLeft)

		time.Sleep(e.RetryAfter)
		for range 5 {
			_, err := c.Do(t.Context(), to("http://vendor"))
			require.NoError(t, err)
		}
		_, err = c.Do(t.Context(), to("http://vendor"))
		e = asError(t, err)
		require.Equal(t, "the month's budget of 15 calls is spent", e.Message)
		require.Equal(t, time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC), time.Now().Add(e.RetryAfter).UTC())
		time.Sleep(e.RetryAfter)
		_, err = c.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)
	})
}

// TestHourWindow holds the promise that no 60 minutes see more than the limit,
// and that a wait is never longer than needed by more than a bucket.
func TestHourWindow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := hourWindow{limit: rapid.IntRange(1, 8).Draw(t, "limit")}
		now := time.Unix(rapid.Int64Range(0, 1<<33).Draw(t, "start"), 0)
		var calls []time.Time
		for range rapid.IntRange(1, 60).Draw(t, "calls") {
			now = now.Add(time.Duration(rapid.Int64Range(0, int64(40*time.Minute)).Draw(t, "gap")))
			if wait := w.wait(now); wait > 0 {
				if wait > 61*time.Minute {
					t.Fatalf("waits %s", wait)
				}
				now = now.Add(wait)
				if w.wait(now) != 0 {
					t.Fatalf("still full after the wait")
				}
			}
			w.add(now)
			calls = append(calls, now)
			if n := len(calls) - 1 - w.limit; n >= 0 && now.Sub(calls[n]) < time.Hour {
				t.Fatalf("%d calls within %s", w.limit+1, now.Sub(calls[n]))
			}
		}
	})
}

func TestInFlightIsBoundedAndCongestionLowersIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		inFlight, most, congested := 0, 0, true
		c := client(t, Options{
			Limits: Limits{Concurrency: 4}, CongestionCodes: []string{"http 429"}, TriesMax: 1,
			Penalties: []time.Duration{time.Hour},
			Transport: transport(func(*http.Request) (*http.Response, error) {
				mu.Lock()
				inFlight++
				most = max(most, inFlight)
				status := 200
				if congested {
					status = 429
				}
				mu.Unlock()
				time.Sleep(time.Second)
				mu.Lock()
				defer mu.Unlock()
				inFlight--
				return reply(status, ""), nil
			}),
		})
		wave := func() int {
			most = 0
			var wg sync.WaitGroup
			for range 12 {
				wg.Go(func() { _, _ = c.Do(t.Context(), to("http://vendor")) })
			}
			wg.Wait()
			return most
		}
		congested = false
		require.Equal(t, 4, wave())
		congested = true
		_, err := c.Do(t.Context(), to("http://vendor"))
		require.Equal(t, ClassThrottled, asError(t, err).Class)
		require.Zero(t, asError(t, err).RetryAfter, "congestion blocks nobody")
		require.Equal(t, 2, c.Budget().State()[0].InFlightMax)
		congested = false
		require.Equal(t, 2, wave())
		time.Sleep(congestionRest)
		_, err = c.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)
		require.Equal(t, 4, wave())
	})
}
