package dingtalk

import (
	"net/http"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/token"
)

func TestCredentials(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){"of an own app": func(*Options) {}, "of a third party": bySuite} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{answer: func(_ int32, token string, _ *http.Request) reply {
				if token != "tok-0001" {
					return refusal(http.StatusBadRequest, codeToken)
				}
				return ok(noChats)
			}}
			c := serve(t, v, change)
			for range 3 {
				_, err := c.Page(t.Context(), chatsChain(c), "")
				require.NoError(t, err)
			}
			require.EqualValues(t, 1, v.tokenCalls.Load())
			require.EqualValues(t, 3, v.calls.Load())
		})
	}
}

// TestOneRefreshForEverybody: a token that is refused is asked for anew once, also
// where the vendor issues the same text again.
func TestOneRefreshForEverybody(t *testing.T) {
	t.Parallel()
	for name, same := range map[string]bool{"another token": false, "the same token again": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			const workers = 100
			var refused atomic.Int32
			v := &vendor{same: same}
			v.answer = func(_ int32, _ string, _ *http.Request) reply {
				if v.tokenCalls.Load() == 1 {
					refused.Add(1)
					return refusal(http.StatusBadRequest, codeToken)
				}
				return ok(noChats)
			}
			c := serve(t, v, func(o *Options) { o.Fetch.Limits.Concurrency = workers })
			parallel(workers, func() {
				page, err := c.Page(t.Context(), chatsChain(c), "")
				require.NoError(t, err)
				require.LessOrEqual(t, page.Calls, 2)
			})
			require.EqualValues(t, 2, v.tokenCalls.Load(), "the first token and one refresh")
			require.Positive(t, refused.Load())
		})
	}
}

func TestTokenIsRefreshedTenMinutesEarly(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		require.NoError(t, c.Check(t.Context()))
		time.Sleep(110*time.Minute - time.Nanosecond)
		require.NoError(t, c.Check(t.Context()))
		require.EqualValues(t, 1, v.tokenCalls.Load())
		time.Sleep(time.Nanosecond)
		require.NoError(t, c.Check(t.Context()))
		require.EqualValues(t, 2, v.tokenCalls.Load())
	})
}

func TestANewTokenRefusedStopsTheSource(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{answer: always(refusal(http.StatusBadRequest, codeToken))}
		c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
		page, err := c.Page(t.Context(), chatsChain(c), "")
		e := asError(t, err)
		require.Equal(t, fetch.ClassAuth, e.Class)
		require.Equal(t, codeToken, e.Code)
		require.Contains(t, e.Message, "a new token was refused as well")
		require.Equal(t, fixApp, e.Remedy)
		require.Equal(t, 2, page.Calls)

		parallel(50, func() {
			_, err := c.Page(t.Context(), chatsChain(c), "")
			require.Equal(t, fetch.ClassAuth, asError(t, err).Class)
		})
		require.EqualValues(t, 2, v.calls.Load(), "nobody asks again")
		require.EqualValues(t, 2, v.tokenCalls.Load())
	})
}

func TestAWrongCredentialIsNotTriedAgain(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		change func(*Options)
		code   string
		remedy string
	}{
		"of an own app":    {func(o *Options) { o.AppSecret = "wrong-" + testSecret }, "invalidClientIdOrSecret", fixApp},
		"of a third party": {func(o *Options) { bySuite(o); o.SuiteKey = "suite2" }, "invalidSuiteKey", fixSuite},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{}
				c := testClient(t, "http://vendor", tc.change, func(o *Options) { o.Fetch.Transport = v })
				page, err := c.Page(t.Context(), chatsChain(c), "")
				e := asError(t, err)
				require.Equal(t, fetch.ClassAuth, e.Class)
				require.Equal(t, tc.code, e.Code)
				require.Equal(t, tc.remedy, e.Remedy)
				require.Zero(t, page.Calls)
				time.Sleep(token.CredentialRest - time.Nanosecond)
				require.Error(t, c.Check(t.Context()))
				require.EqualValues(t, 1, v.tokenCalls.Load())
				time.Sleep(time.Nanosecond)
				require.Error(t, c.Check(t.Context()))
				require.EqualValues(t, 2, v.tokenCalls.Load())
			})
		})
	}
}

func TestTokenAnswers(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		answer reply
		want   fetch.Class
		lasts  time.Duration
	}{
		"text for the life":  {ok(`{"accessToken":"t","expireIn":"7200"}`), -1, 110 * time.Minute},
		"no life":            {ok(`{"accessToken":"t"}`), -1, token.LifeDefault * 9 / 10},
		"a negative life":    {ok(`{"accessToken":"t","expireIn":-5}`), -1, token.LifeDefault * 9 / 10},
		"a life beyond time": {ok(`{"accessToken":"t","expireIn":9223372036854775807}`), -1, token.LifeDefault * 9 / 10},
		"no token":           {ok(`{"expireIn":7200}`), fetch.ClassMalformed, 0},
		"an empty token":     {ok(`{"accessToken":"","expireIn":7200}`), fetch.ClassMalformed, 0},
		"nothing":            {reply{http.StatusNoContent, ""}, fetch.ClassTransient, 0},
		"trouble":            {refusal(http.StatusInternalServerError, "unknownError"), fetch.ClassTransient, 0},
		"too fast":           {refusal(http.StatusBadRequest, "qps.exceed.limit"), fetch.ClassThrottled, 0},
		"a bad address":      {refusal(http.StatusForbidden, "Forbidden.AccessDenied.IpNotInWhiteList"), fetch.ClassAuth, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				v := &vendor{token: func(int32) reply { return tc.answer }}
				c := testClient(t, "http://vendor", func(o *Options) { o.Fetch.Transport = v })
				err := c.Check(t.Context())
				if tc.want >= 0 {
					require.Equal(t, tc.want, asError(t, err).Class)
					return
				}
				require.NoError(t, err)
				time.Sleep(tc.lasts - time.Nanosecond)
				require.NoError(t, c.Check(t.Context()))
				require.EqualValues(t, 1, v.tokenCalls.Load())
				time.Sleep(time.Nanosecond)
				require.NoError(t, c.Check(t.Context()))
				require.EqualValues(t, 2, v.tokenCalls.Load())
			})
		})
	}
}
