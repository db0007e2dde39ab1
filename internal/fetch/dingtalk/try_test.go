package dingtalk

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
)

func TestTry(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		token  func(int32) reply
		answer func(int32, string, *http.Request) reply
		found  []string
		advice []bool
		class  []fetch.Class
	}{
		"all is well": {
			answer: func(_ int32, _ string, r *http.Request) reply {
				if r.URL.Path == "/v1.0/crm/groupSets/lists" {
					return ok(`{"resultList":[],"hasMore":false,"totalCount":11}`)
				}
				return ok(`{"resultList":[{"openConversationId":"a"}],"hasMore":true,"nextToken":"b","totalCount":1000}`)
			},
			found:  []string{"a token was issued", "it has 1000 chats", "it has 1000 chats", "there are 11"},
			advice: []bool{false, false, false, false},
			class:  []fetch.Class{0, 0, 0, 0},
		},
		"nothing there, nothing counted": {
			answer: always(ok(`{"resultList":[],"hasMore":false}`)),
			found:  []string{"a token was issued", "it is empty", "it is empty", "the list can be read"},
			advice: []bool{false, true, true, false},
			class:  []fetch.Class{0, 0, 0, 0},
		},
		"without a token nothing is tried": {
			token: func(int32) reply { return refusal(http.StatusBadRequest, "invalidClientIdOrSecret") },
			found: []string{"a token was issued"}, advice: []bool{false}, class: []fetch.Class{fetch.ClassAuth},
		},
		"without a permission": {
			answer: func(_ int32, _ string, r *http.Request) reply {
				if r.URL.Path == "/v1.0/crm/groupSets/lists" {
					return ok(noChats)
				}
				return refusal(http.StatusForbidden, "Forbidden.AccessDenied.AccessTokenPermissionDenied")
			},
			found: []string{"a token was issued", "", "", "there are 0"}, advice: []bool{false, false, false, false},
			class: []fetch.Class{0, fetch.ClassAuth, fetch.ClassAuth, 0},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{token: tc.token, answer: tc.answer}
			trials := serve(t, v).Try(t.Context())
			require.Len(t, trials, len(tc.found))
			for i, trial := range trials {
				require.NotEmpty(t, trial.What)
				require.Equal(t, tc.class[i], fetch.ClassOf(trial.Err), "%v", trial.Err)
				require.Equal(t, tc.advice[i], trial.Advice != "")
				require.Equal(t, tc.found[i], trial.Found)
				require.Equal(t, i > 0 && trial.Err == nil, trial.Clock.Known)
			}
			require.LessOrEqual(t, v.calls.Load(), int32(3), "each costs one of the month's calls")
		})
	}
}

func TestDocumented(t *testing.T) {
	t.Parallel()
	limits := testClient(t, "http://vendor.invalid").Documented()
	require.Equal(t, 20, limits.PerSecond)
	require.Equal(t, 5000, limits.PerMonth)
	require.Equal(t, "Asia/Shanghai", limits.Zone.String())
}
