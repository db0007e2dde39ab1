package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// purse is a meter with so many calls, refilled at a time.
type purse struct {
	mu       sync.Mutex
	left     int
	refillAt time.Time
	lanes    []string
	// broken is what its keeper answers, if not nil.
	broken error
	until  time.Time
	code   string
}

func (p *purse) Take(ctx context.Context, lane string) (time.Duration, string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if err := errors.Join(ctx.Err(), p.broken); err != nil {
		return 0, "", err
	}
	if wait := time.Until(p.refillAt); p.left == 0 && wait > 0 {
		return wait, "today's calls are spent", nil
	}
	p.left--
	p.lanes = append(p.lanes, lane)
	return 0, "", nil
}

func (p *purse) Spent(_ context.Context, until time.Time, code string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until, p.code = until, code
	return p.broken
}

func (p *purse) taken() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lanes
}

func TestEveryAttemptIsBooked(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		meter := &purse{left: 10}
		c := client(t, Options{Transport: script(&sent, 500, 500, 200), Meter: meter, Limits: Limits{PerMonth: 1}})
		req := to("http://vendor")
		req.Lane = "reads"
		_, err := c.Do(t.Context(), req)
		require.NoError(t, err, "PerMonth does not count beside a meter")
		require.Len(t, sent, 3)
		require.Equal(t, []string{"reads", "reads", "reads"}, meter.taken())

		req.Unmetered = true
		_, err = c.Do(t.Context(), req)
		require.NoError(t, err)
		require.Len(t, meter.taken(), 3, "an unmetered call is not booked")
	})
}

func TestASpentMeter(t *testing.T) {
	t.Parallel()
	t.Run("is refused when the wait is long", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var sent []time.Time
			c := client(t, Options{
				Transport: script(&sent, 200), Meter: &purse{refillAt: time.Now().Add(3 * time.Hour)},
			})
			began := time.Now()
			resp, err := c.Do(t.Context(), to("http://vendor"))
			e := asError(t, err)
			require.Equal(t, ClassThrottled, e.Class)
			require.Equal(t, codeBudget, e.Code)
			require.Equal(t, "today's calls are spent", e.Message)
			require.Equal(t, 3*time.Hour, e.RetryAfter, "longer than what a header can ask for")
			require.Zero(t, resp.Calls)
			require.Empty(t, sent)
			require.Zero(t, time.Since(began))

			req := to("http://vendor")
			req.Unmetered = true
			_, err = c.Do(t.Context(), req)
			require.NoError(t, err, "a token can be had nevertheless")
		})
	})
	t.Run("is waited for when the wait is short", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var sent []time.Time
			var waits []Wait
			meter := &purse{refillAt: time.Now().Add(time.Minute)}
			c := client(t, Options{
				Transport: script(&sent, 200), Meter: meter, Hooks: Hooks{Waiting: func(w Wait) { waits = append(waits, w) }},
			})
			began := time.Now()
			var prepared int
			req := to("http://vendor")
			prepare := req.Prepare
			req.Prepare = func(ctx context.Context) (*http.Request, error) {
				prepared++
				return prepare(ctx)
			}
			_, err := c.Do(t.Context(), req)
			require.NoError(t, err)
			require.Equal(t, time.Minute, sent[0].Sub(began))
			require.Len(t, waits, 1)
			require.Equal(t, "today's calls are spent", waits[0].Why)
			require.Equal(t, 2, prepared, "what was prepared before the wait is not sent")
			require.Len(t, meter.taken(), 1)
		})
	})
}

// TestACallThatIsNotSentIsNotBookedTwice: a block that begins between the booking
// and the sending is waited out with the call that is booked already.
func TestACallThatIsNotSentIsNotBookedTwice(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		meter := &purse{left: 10}
		c := client(t, Options{
			Transport: transport(func(*http.Request) (*http.Response, error) {
				if calls.Add(1) == 1 {
					time.Sleep(time.Second)
					return reply(http.StatusTooManyRequests, "", "Retry-After", "30"), nil
				}
				return reply(http.StatusOK, "{}"), nil
			}),
			Meter: meter, Limits: Limits{Concurrency: 1},
		})
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() {
				_, err := c.Do(t.Context(), to("http://vendor"))
				require.NoError(t, err)
			})
		}
		wg.Wait()
		require.EqualValues(t, 3, calls.Load())
		require.Len(t, meter.taken(), 3)
	})
}

func TestTheKeeperOfTheMeterIsNoVendor(t *testing.T) {
	t.Parallel()
	away := errors.New("connection refused")
	t.Run("when booking", func(t *testing.T) {
		t.Parallel()
		var sent []time.Time
		c := client(t, Options{Transport: script(&sent, 200), Meter: &purse{broken: away}})
		_, err := c.Do(t.Context(), to("http://vendor"))
		require.ErrorIs(t, err, away)
		require.ErrorContains(t, err, "book a call of chats")
		_, vendors := errors.AsType[*Error](err)
		require.False(t, vendors)
		require.Empty(t, sent, "what cannot be booked is not sent")
	})
	t.Run("when noting", func(t *testing.T) {
		t.Parallel()
		meter := &purse{left: 1}
		req := to("http://vendor")
		req.Verdict = func(Answer) *Error {
			meter.broken = away
			return &Error{Class: ClassThrottled, Code: "quota", RetryAfter: time.Hour, Scope: ScopeSource}
		}
		var sent []time.Time
		_, err := client(t, Options{Transport: script(&sent, 200), Meter: meter}).Do(t.Context(), req)
		require.ErrorIs(t, err, away)
		require.ErrorContains(t, err, "quota")
		_, vendors := errors.AsType[*Error](err)
		require.False(t, vendors)
	})
	t.Run("unless the caller stopped", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		req := to("http://vendor")
		prepare := req.Prepare
		req.Prepare = func(ctx context.Context) (*http.Request, error) {
			cancel()
			return prepare(ctx)
		}
		var sent []time.Time
		_, err := client(t, Options{Transport: script(&sent, 200), Meter: &purse{left: 1}}).Do(ctx, req)
		require.Equal(t, "canceled", asError(t, err).Code)
		require.ErrorIs(t, err, context.Canceled)
	})
}

// month is a verdict that the whole quota of the source is spent for a long time.
func month(Answer) *Error {
	return &Error{Class: ClassThrottled, Code: "quota", RetryAfter: 20 * 24 * time.Hour, Scope: ScopeSource}
}

func TestTheVendorSaysThatNothingIsLeft(t *testing.T) {
	t.Parallel()
	t.Run("to the meter", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var sent []time.Time
			meter := &purse{left: 10}
			clock := time.Date(2026, 11, 10, 0, 0, 0, 0, time.UTC)
			c := client(t, Options{Transport: script(&sent, 200), Meter: meter, Now: func() time.Time { return clock }})
			req := to("http://vendor")
			req.Verdict = month
			_, err := c.Do(t.Context(), req)
			require.Equal(t, 20*24*time.Hour, asError(t, err).RetryAfter)
			require.Len(t, sent, 1)
			require.Equal(t, clock.AddDate(0, 0, 20), meter.until)
			require.Equal(t, "quota", meter.code)
		})
	})
	t.Run("without a meter", func(t *testing.T) {
		t.Parallel()
		synctest.Test(t, func(t *testing.T) {
			var sent []time.Time
			c := client(t, Options{Transport: script(&sent, 200)})
			req := to("http://vendor")
			req.Verdict = month
			_, err := c.Do(t.Context(), req)
			require.Equal(t, ClassThrottled, ClassOf(err))
			other := to("http://vendor")
			other.Endpoint = "sets"
			_, err = c.Do(t.Context(), other)
			require.Equal(t, "quota", asError(t, err).Code, "every endpoint of the source")
			require.Len(t, sent, 1)
			require.Contains(t, c.Budget().State()[0].Why, "quota")

			other.Unmetered = true
			_, err = c.Do(t.Context(), other)
			require.NoError(t, err)
			time.Sleep(20 * 24 * time.Hour)
			_, err = c.Do(t.Context(), to("http://vendor"))
			require.NoError(t, err)
		})
	})
}

func banned(Answer) *Error {
	return &Error{Class: ClassThrottled, Code: "ip ban", RetryAfter: 5 * time.Minute, Scope: ScopeHost}
}

func TestABanIsForTheHost(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var sent []time.Time
		hosts := NewHosts()
		one := client(t, Options{Transport: script(&sent, 200), Hosts: hosts})
		two := client(t, Options{Transport: script(&sent, 200), Hosts: hosts})
		stranger := client(t, Options{Transport: script(&sent, 200)})
		req := to("http://vendor")
		req.Verdict = banned
		_, err := one.Do(t.Context(), req)
		require.Equal(t, 5*time.Minute, asError(t, err).RetryAfter)
		require.Len(t, sent, 1, "nobody knocks again")

		time.Sleep(time.Minute)
		for _, unmetered := range []bool{false, true} {
			req := to("http://vendor")
			req.Unmetered = unmetered
			_, err = two.Do(t.Context(), req)
			e := asError(t, err)
			require.Equal(t, ClassThrottled, e.Class)
			require.Equal(t, "ip ban", e.Code)
			require.Equal(t, 4*time.Minute, e.RetryAfter)
		}
		require.Len(t, sent, 1)
		_, err = two.Do(t.Context(), to("http://elsewhere"))
		require.NoError(t, err, "another host")
		_, err = stranger.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err, "hosts of its own")

		time.Sleep(4 * time.Minute)
		_, err = two.Do(t.Context(), to("http://vendor"))
		require.NoError(t, err)
	})
}

// TestABanStopsThoseWhoQueue: who waits for a place while the ban begins does not
// knock.
func TestABanStopsThoseWhoQueue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		c := client(t, Options{
			Transport: transport(func(*http.Request) (*http.Response, error) {
				calls.Add(1)
				time.Sleep(time.Second)
				return reply(http.StatusOK, ""), nil
			}),
			Limits: Limits{Concurrency: 1},
		})
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				req := to("http://vendor")
				req.Verdict = banned
				_, err := c.Do(t.Context(), req)
				require.Equal(t, "ip ban", asError(t, err).Code)
			})
		}
		wg.Wait()
		require.EqualValues(t, 1, calls.Load())
	})
}

// TestTheMeterIsNeverExceeded: whatever goes wrong and however many call at once,
// as many calls are sent as were granted.
func TestTheMeterIsNeverExceeded(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		granted := rapid.IntRange(0, 60).Draw(rt, "granted")
		statuses := rapid.SliceOfN(rapid.SampledFrom([]int{200, 200, 400, 429, 500, 503}), 1, 20).Draw(rt, "statuses")
		workers := rapid.IntRange(1, 12).Draw(rt, "workers")
		synctest.Test(t, func(t *testing.T) {
			var calls atomic.Int32
			meter := &purse{left: granted, refillAt: time.Now().Add(24 * time.Hour)}
			c := client(t, Options{
				Meter: meter, Limits: Limits{Concurrency: 3, PerSecond: 10},
				Transport: transport(func(*http.Request) (*http.Response, error) {
					status := statuses[int(calls.Add(1))%len(statuses)]
					time.Sleep(100 * time.Millisecond)
					return reply(status, "{}"), nil
				}),
			})
			var wg sync.WaitGroup
			for range workers {
				wg.Go(func() {
					for range 5 {
						if _, err := c.Do(t.Context(), to("http://vendor")); err != nil {
							asError(t, err)
						}
					}
				})
			}
			wg.Wait()
			require.LessOrEqual(t, int(calls.Load()), granted)
			require.Len(t, meter.taken(), int(calls.Load()), "nothing is booked that is not sent")
		})
	})
}
