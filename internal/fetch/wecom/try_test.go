package wecom

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/vendorsim"
)

// tried serves a simulated tenant and tries its endpoints.
func tried(t *testing.T, o vendorsim.Options, change ...func(*Options)) (*vendorsim.Sim, []fetch.Trial) {
	t.Helper()
	o.CorpID, o.Secret = testCorp, testSecret
	sim, err := vendorsim.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, testClient(t, server.URL, change...).Try(t.Context())
}

func TestTry(t *testing.T) {
	t.Parallel()
	sim, trials := tried(t, vendorsim.Options{Chats: 30, MeanMembers: 5, MaxMembers: 20, VisibleMax: 1_000_000})
	var names, found []string
	for _, trial := range trials {
		require.NoError(t, trial.Err)
		require.Empty(t, trial.Advice)
		names, found = append(names, trial.What), append(found, trial.Found)
	}
	require.Equal(t, []string{"credential", "owner list", "chat list", "chat detail"}, names)
	require.Contains(t, found[1], "people may own chats")
	require.Regexp(t, `^a chat with \d+ members$`, found[3])
	require.Equal(t, fetch.Clock{Known: true}, trials[3].Clock)
	calls := sim.Calls()
	for _, endpoint := range []string{
		vendorsim.EndpointToken, vendorsim.EndpointFollowUsers, vendorsim.EndpointChatList, vendorsim.EndpointChatGet,
	} {
		require.Equal(t, 1, calls[endpoint].Calls, endpoint)
		delete(calls, endpoint)
	}
	for endpoint, other := range calls {
		require.Zero(t, other.Calls, endpoint)
	}
}

func TestTryWithAWrongSecret(t *testing.T) {
	t.Parallel()
	sim, trials := tried(t, vendorsim.Options{}, func(o *Options) { o.Secret = "of another app" })
	require.Len(t, trials, 1, "nothing is tried without a token")
	require.Equal(t, fetch.ClassAuth, fetch.ClassOf(trials[0].Err))
	require.NotContains(t, trials[0].Err.Error(), "of another app")
	require.Zero(t, sim.Calls()[vendorsim.EndpointChatList].Calls)
}

// Over 1000 visible people the list without owners is refused.
func TestTryWithALargeVisibleRange(t *testing.T) {
	t.Parallel()
	sim, trials := tried(t, vendorsim.Options{Chats: 30, VisibleMax: 1})
	require.NoError(t, trials[2].Err)
	require.Contains(t, trials[2].Found, "81017")
	require.NoError(t, trials[3].Err)
	require.Equal(t, map[int]int{81017: 1, 0: 1}, sim.Calls()[vendorsim.EndpointChatList].Codes)
}

func TestTryWithConfiguredOwners(t *testing.T) {
	t.Parallel()
	model, err := vendorsim.New(vendorsim.Options{CorpID: testCorp, Secret: testSecret, Chats: 30})
	require.NoError(t, err)
	owner := model.FollowUsers(model.Now())[0]
	sim, trials := tried(t, vendorsim.Options{Chats: 30, VisibleMax: 1}, func(o *Options) { o.OwnerIDs = []string{owner} })
	require.NoError(t, trials[2].Err)
	require.Equal(t, map[int]int{0: 1}, sim.Calls()[vendorsim.EndpointChatList].Codes)
}

// Each permission is looked at by itself.
func TestTryShowsWhatIsForbidden(t *testing.T) {
	t.Parallel()
	answer := func(endpoint, body string) vendorsim.Script {
		return vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
			if r.Endpoint != endpoint {
				return vendorsim.Verdict{}
			}
			return vendorsim.Verdict{Answer: &vendorsim.Answer{Body: []byte(body)}}
		}}
	}
	const forbidden = `{"errcode":48002,"errmsg":"api forbidden"}`
	for name, c := range map[string]struct {
		script  vendorsim.Script
		at      int
		class   fetch.Class
		advised bool
	}{
		"owners":           {script: answer(vendorsim.EndpointFollowUsers, forbidden), at: 1, class: fetch.ClassAuth},
		"list":             {script: answer(vendorsim.EndpointChatList, forbidden), at: 2, class: fetch.ClassAuth},
		"detail":           {script: answer(vendorsim.EndpointChatGet, forbidden), at: 3, class: fetch.ClassAuth},
		"nobody":           {script: answer(vendorsim.EndpointFollowUsers, `{"errcode":0,"follow_user":[]}`), at: 1, advised: true},
		"no chats":         {script: answer(vendorsim.EndpointChatList, `{"errcode":0,"group_chat_list":[]}`), at: 2, advised: true},
		"a chat that goes": {script: answer(vendorsim.EndpointChatGet, `{"errcode":40050,"errmsg":"invalid group id"}`), at: 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, trials := tried(t, vendorsim.Options{Chats: 30, Script: c.script})
			for i, trial := range trials {
				switch {
				case i == c.at && c.class != fetch.ClassUnknown:
					require.Equal(t, c.class, fetch.ClassOf(trial.Err), trial)
				case i == c.at:
					require.NoError(t, trial.Err)
					require.Equal(t, c.advised, trial.Advice != "", trial)
				case i < c.at:
					require.NoError(t, trial.Err)
				}
			}
		})
	}
}

func TestTryReadsTheClock(t *testing.T) {
	t.Parallel()
	_, trials := tried(t, vendorsim.Options{Chats: 3, Script: vendorsim.Script{
		OnRequest: func(context.Context, vendorsim.Request) vendorsim.Verdict {
			return vendorsim.Verdict{Edit: func(a *vendorsim.Answer) {
				a.Header = http.Header{"Date": {time.Now().Add(time.Hour).UTC().Format(http.TimeFormat)}}
			}}
		},
	}})
	require.True(t, trials[1].Clock.Known)
	require.InDelta(t, 3600, trials[1].Clock.Ahead.Seconds(), 60)
}

// TestTryMessages: what is missing for mass messages and join ways is advice, and
// takes nothing else along.
func TestTryMessages(t *testing.T) {
	t.Parallel()
	good := map[string]string{
		endpointOwners:   owners,
		endpointList:     sample(t, "chats/first.json"),
		endpointGet:      sample(t, "detail/full.json"),
		endpointMessages: sample(t, "messages/none.json"),
		endpointJoinWay:  sample(t, "joinways/full.json"),
	}
	now := time.Date(2026, 11, 20, 10, 0, 0, 0, time.UTC)
	for name, tc := range map[string]struct {
		endpoint, answer string
		at               int
		// advice is a word of it; class is that of the error.
		advice string
		class  fetch.Class
	}{
		"all is well":           {endpoint: "none"},
		"no right to messages":  {endpoint: endpointMessages, answer: failure(48002), at: 4, advice: "可调用接口的应用"},
		"out of sight":          {endpoint: endpointMessages, answer: failure(60011), at: 4, advice: "可见范围"},
		"list out of order":     {endpoint: endpointMessages, answer: failure(-1), at: 4, class: fetch.ClassTransient},
		"no right to join ways": {endpoint: endpointJoinWay, answer: failure(48002), at: 5, advice: "switch join_ways off"},
		"another app's":         {endpoint: endpointJoinWay, answer: failure(41044), at: 5, advice: "created itself"},
		"no id at all":          {endpoint: endpointJoinWay, answer: failure(40058), at: 5, advice: "config_ids"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var asked messagesRequest
			v := &vendor{answer: func(_ int32, _ string, r *http.Request) string {
				path := strings.TrimPrefix(r.URL.Path, "/cgi-bin/externalcontact/")
				if path == endpointMessages {
					_ = json.NewDecoder(r.Body).Decode(&asked)
				}
				if path == tc.endpoint {
					return tc.answer
				}
				return good[path]
			}}
			trials := serve(t, v, withMessages, func(o *Options) {
				o.JoinWays.ConfigIDs = []string{"9ad7fa5cdaa65112aaaaaaaaaaaaaaaa"}
				o.Fetch.Now = func() time.Time { return now }
			}).Try(t.Context())
			require.Len(t, trials, 6)
			require.Equal(t, "mass messages", trials[4].What)
			require.Equal(t, "join ways", trials[5].What)
			require.Equal(t, messagesRequest{
				ChatType: "group", StartTime: now.Unix() - 3661, EndTime: now.Unix() - 59, FilterType: 2, Limit: 1,
			}, asked)
			for i, trial := range trials {
				switch {
				case tc.at == i && tc.class != fetch.ClassUnknown:
					require.Equal(t, tc.class, fetch.ClassOf(trial.Err))
				case tc.at == i && tc.advice != "":
					require.NoError(t, trial.Err)
					require.Contains(t, trial.Advice, tc.advice)
				default:
					require.NoError(t, trial.Err)
					require.Empty(t, trial.Advice)
					require.NotEmpty(t, trial.Found)
				}
			}
		})
	}
}

// Without options nobody is asked about them.
func TestTryWithoutConfigIDs(t *testing.T) {
	t.Parallel()
	v := &vendor{answer: func(_ int32, _ string, r *http.Request) string {
		require.NotContains(t, r.URL.Path, endpointJoinWay)
		return failure(48002)
	}}
	trials := serve(t, v, withMessages).Try(t.Context())
	require.Len(t, trials, 5)
	require.NoError(t, trials[4].Err)
	require.Equal(t, "not allowed (48002)", trials[4].Found)
}
