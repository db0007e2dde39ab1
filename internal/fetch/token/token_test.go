package token

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

// issuer is a vendor that issues tokens: the n-th call gets what answer says.
type issuer struct {
	calls int
	life  time.Duration
	// takes is how long the vendor needs.
	takes  time.Duration
	answer func(n int) *fetch.Error
}

func (i *issuer) keeper() *Keeper {
	return New(Options{
		Endpoint: "token", Margin: 10 * time.Minute,
		BadCredential: func(e *fetch.Error) bool { return e.Code == "wrong secret" },
		Ask: func(ctx context.Context) (string, time.Duration, error) {
			i.calls++
			select {
			case <-time.After(i.takes):
			case <-ctx.Done():
				return "", 0, &fetch.Error{Class: fetch.ClassTransient, Code: "canceled", Err: ctx.Err()}
			}
			if i.answer != nil {
				if bad := i.answer(i.calls); bad != nil {
					return "", 0, bad
				}
			}
			return fmt.Sprintf("tok-%d", i.calls), i.life, nil
		},
	})
}

func TestManyCallersOneRefresh(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: 2 * time.Hour, takes: time.Second}
		k := i.keeper()
		first, err := k.Get(t.Context())
		require.NoError(t, err)
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				k.Discard(first)
				tok, err := k.Get(t.Context())
				require.NoError(t, err)
				require.Equal(t, "tok-2", tok.Text())
			})
		}
		wg.Wait()
		require.Equal(t, 2, i.calls)
		require.Equal(t, "Token(***)", fmt.Sprintf("%#v", first))
		require.Empty(t, Token{}.Text())
	})
}

func TestATokenIsReplacedBeforeItEnds(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct{ life, at time.Duration }{
		"by the margin":         {2 * time.Hour, 110 * time.Minute},
		"by a tenth of a life":  {50 * time.Minute, 45 * time.Minute},
		"without a life":        {0, LifeDefault * 9 / 10},
		"with one beyond sense": {lifeMax + 1, LifeDefault * 9 / 10},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{life: tc.life}
				k := i.keeper()
				asked := func(after time.Duration) int {
					time.Sleep(after)
					_, err := k.Get(t.Context())
					require.NoError(t, err)
					return i.calls
				}
				require.Equal(t, 1, asked(0))
				require.Equal(t, 1, asked(tc.at-1), "a moment too early")
				require.Equal(t, 2, asked(1))
			})
		})
	}
}

func TestAnEarlyReplacementThatFailsKeepsTheToken(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: 2 * time.Hour, answer: func(n int) *fetch.Error {
			if n == 2 {
				return &fetch.Error{Class: fetch.ClassTransient, Code: "busy"}
			}
			return nil
		}}
		k := i.keeper()
		_, err := k.Get(t.Context())
		require.NoError(t, err)
		time.Sleep(110 * time.Minute)
		for range 3 {
			tok, err := k.Get(t.Context())
			require.NoError(t, err)
			require.Equal(t, "tok-1", tok.Text())
		}
		require.Equal(t, 2, i.calls)
		time.Sleep(refreshRest)
		tok, err := k.Get(t.Context())
		require.NoError(t, err)
		require.Equal(t, "tok-3", tok.Text())
	})
}

func TestARefusalIsNotAskedForAgain(t *testing.T) {
	t.Parallel()
	for code, rest := range map[string]time.Duration{"wrong secret": CredentialRest, "address": RefusalRest} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				i := &issuer{answer: func(int) *fetch.Error { return &fetch.Error{Class: fetch.ClassAuth, Code: code} }}
				k := i.keeper()
				for range 10 {
					_, err := k.Get(t.Context())
					require.Equal(t, fetch.ClassAuth, fetch.ClassOf(err))
				}
				time.Sleep(rest - 1)
				_, err := k.Get(t.Context())
				require.ErrorContains(t, err, "not asked again before")
				require.Equal(t, 1, i.calls)
				time.Sleep(time.Nanosecond)
				_, err = k.Get(t.Context())
				require.Error(t, err)
				require.Equal(t, 2, i.calls)
			})
		})
	}
}

func TestACondemnedTokenHoldsEveryoneOff(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour}
		k := i.keeper()
		tok, err := k.Get(t.Context())
		require.NoError(t, err)
		bad := k.Condemn(tok, &fetch.Error{Class: fetch.ClassAuth, Code: "token", Message: "no"}, "look at the app")
		require.Equal(t, fetch.ClassAuth, bad.Class)
		require.Equal(t, "a new token was refused as well: no", bad.Message)
		require.Equal(t, "look at the app", bad.Remedy)
		_, err = k.Get(t.Context())
		require.ErrorContains(t, err, "refused as well")
		require.Equal(t, 1, i.calls)
		time.Sleep(RefusalRest)
		again, err := k.Get(t.Context())
		require.NoError(t, err)
		k.Condemn(tok, &fetch.Error{}, "")
		same, err := k.Get(t.Context())
		require.NoError(t, err, "an old token condemns no new one")
		require.Equal(t, again.Text(), same.Text())
	})
}

func TestACanceledRefreshIsTakenOver(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		i := &issuer{life: time.Hour, takes: time.Second}
		k := i.keeper()
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() {
			_, err := k.Get(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		wg.Go(func() {
			tok, err := k.Get(t.Context())
			require.NoError(t, err)
			require.Equal(t, "tok-2", tok.Text())
		})
		wg.Go(func() {
			_, err := k.Get(ctx)
			require.ErrorIs(t, err, context.Canceled)
		})
		synctest.Wait()
		cancel()
		wg.Wait()
	})
}
