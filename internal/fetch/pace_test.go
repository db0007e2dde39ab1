package fetch

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

// pacerFunc is a Pacer made of a function.
type pacerFunc func(endpoint string) (model.CallGrant, error)

func (f pacerFunc) Reserve(_ context.Context, endpoint string) (model.CallGrant, error) {
	return f(endpoint)
}

// What was granted is used one by one, and what was not used in its time is lost.
func TestTurnsAreSpreadOverTheirTime(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		asked := 0
		pacer := pacerFunc(func(string) (model.CallGrant, error) {
			asked++
			return model.CallGrant{Calls: 4, Wait: time.Second, Every: 100 * time.Millisecond}, nil
		})
		turns := newTurns()
		take := func() time.Duration {
			at, wait, _, err := turns.take(t.Context(), pacer, "list")
			require.NoError(t, err)
			require.Zero(t, wait)
			return at.Sub(began)
		}
		require.Equal(t, time.Second, take())
		require.Equal(t, 1100*time.Millisecond, take())
		time.Sleep(1250 * time.Millisecond)
		require.Equal(t, 1300*time.Millisecond, take(), "the third one is lost")
		require.Equal(t, 1, asked)
		require.Equal(t, 2250*time.Millisecond, take(), "a second after it was asked for")
		require.Equal(t, 2, asked)
		time.Sleep(time.Hour)
		require.Equal(t, time.Hour+2250*time.Millisecond, take(), "what is old is lost")
		require.Equal(t, 3, asked)
	})
}

func TestTurnsWithoutAPace(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		pacer := pacerFunc(func(string) (model.CallGrant, error) {
			asked++
			if asked == 3 {
				return model.CallGrant{Wait: time.Minute, Why: "spent"}, nil
			}
			return model.CallGrant{Calls: 2}, nil
		})
		turns := newTurns()
		for range 4 {
			at, _, _, err := turns.take(t.Context(), pacer, "list")
			require.NoError(t, err)
			require.Equal(t, time.Now(), at)
			time.Sleep(time.Second)
		}
		require.Equal(t, 2, asked)
		at, wait, why, err := turns.take(t.Context(), pacer, "list")
		require.NoError(t, err)
		require.Zero(t, at)
		require.Equal(t, time.Minute, wait)
		require.Equal(t, "spent", why)
	})
}

// Clients that share a pacer call one after the other, as if they were one; an
// endpoint has a pace of its own unless they all share it.
func TestClientsShareAPace(t *testing.T) {
	t.Parallel()
	for scope, endpoint := range map[Scope]string{ScopeEndpoint: "chats", ScopeSource: ""} {
		synctest.Test(t, func(t *testing.T) {
			var mu sync.Mutex
			free := time.Now()
			pacer := pacerFunc(func(asked string) (model.CallGrant, error) {
				mu.Lock()
				defer mu.Unlock()
				require.Equal(t, endpoint, asked)
				if free.Before(time.Now()) {
					free = time.Now()
				}
				wait := time.Until(free)
				free = free.Add(time.Second)
				return model.CallGrant{Calls: 10, Wait: wait, Every: 100 * time.Millisecond}, nil
			})
			var sent []time.Time
			var all sync.WaitGroup
			for range 3 {
				c := client(t, Options{
					Pacer: pacer, Limits: Limits{PerSecond: 10, Scope: scope},
					Transport: transport(func(*http.Request) (*http.Response, error) {
						mu.Lock()
						defer mu.Unlock()
						sent = append(sent, time.Now())
						return reply(200, "{}"), nil
					}),
				})
				for range 4 {
					all.Go(func() {
						for range 5 {
							_, err := c.Do(t.Context(), to("http://vendor"))
							require.NoError(t, err)
						}
					})
				}
			}
			all.Wait()
			require.Len(t, sent, 60)
			for i := range sent {
				if i >= 10 {
					require.GreaterOrEqual(t, sent[i].Sub(sent[i-10]), time.Second)
				}
			}
		})
	}
}

var errAway = errors.New("the database is away")

// Nothing is sent that could not be reserved, and the error is the keeper's.
func TestReserveFails(t *testing.T) {
	t.Parallel()
	var sent []time.Time
	c := client(t, Options{
		Pacer:     pacerFunc(func(string) (model.CallGrant, error) { return model.CallGrant{}, errAway }),
		Transport: script(&sent, 200),
	})
	_, err := c.Do(t.Context(), to("http://vendor"))
	require.Empty(t, sent)
	require.ErrorIs(t, err, errAway)
	_, classed := errors.AsType[*Error](err)
	require.False(t, classed)
}

// Nor is the vendor's what its token could not be asked for because of.
func TestReserveFailsForTheToken(t *testing.T) {
	t.Parallel()
	var sent []time.Time
	c := client(t, Options{
		Pacer: pacerFunc(func(endpoint string) (model.CallGrant, error) {
			require.Equal(t, "token", endpoint)
			return model.CallGrant{}, errAway
		}),
		Transport: script(&sent, 200),
	})
	req := to("http://vendor")
	prepare := req.Prepare
	req.Prepare = func(ctx context.Context) (*http.Request, error) {
		token := to("http://vendor")
		token.Endpoint, token.Unmetered = "token", true
		if _, err := c.Do(ctx, token); err != nil {
			return nil, err
		}
		return prepare(ctx)
	}
	_, err := c.Do(t.Context(), req)
	require.Empty(t, sent)
	require.ErrorIs(t, err, errAway)
	_, classed := errors.AsType[*Error](err)
	require.False(t, classed, "%v", err)
}
