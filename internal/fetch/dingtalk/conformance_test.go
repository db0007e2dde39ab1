package dingtalk

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/model"
)

// TestConformance is not parallel: the suite looks for goroutines left over.
//
//nolint:paralleltest // see above
func TestConformance(t *testing.T) {
	authenticate := func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/v1.0/oauth2/accessToken" {
			return false
		}
		body, err := io.ReadAll(r.Body)
		if err != nil || !strings.Contains(string(body), quoted(fetchtest.Secret)) {
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprint(w, `{"code":"invalidClientIdOrSecret","message":"no"}`)
			return true
		}
		fmt.Fprintf(w, `{"accessToken":%q,"expireIn":7200}`, fetchtest.Token)
		return true
	}
	newSource := func(t *testing.T, base, secret string, opts fetch.Options) fetchtest.Source {
		t.Helper()
		c, err := New(Options{Source: "acme", BaseURL: base, AppKey: testKey, AppSecret: secret, Fetch: opts})
		require.NoError(t, err)
		return c
	}
	answer := func(r reply) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) {
			w.WriteHeader(r.status)
			fmt.Fprint(w, r.body)
		}
	}
	for name, v := range map[string]fetchtest.Vendor{
		"chats": {
			Chain: chatsChain(testClient(t, "http://vendor.invalid")), Answer: sample(t, "chats/last.json"),
			List: listOf("openConversationId", idsOf),
		},
		"chat_checks": {Chain: checkChain("cid6KeBBL/+5x7EeiodoA=="), Answer: sample(t, "chat/full.json")},
		"group_sets": {
			Chain: setsChain(), Answer: sample(t, "sets/first.json"),
			List: listOf("openGroupSetId", func(page model.Page) (ids []string) {
				for _, s := range page.GroupSets {
					ids = append(ids, s.ID)
				}
				return ids
			}),
		},
		"message_reads": {
			Chain: readsChain("key", time.Time{}), Answer: sample(t, "reads/sample.json"), List: listOfReaders(),
		},
	} {
		t.Run(name, func(t *testing.T) {
			v.New, v.Authenticate = newSource, authenticate
			v.TokenRefused = answer(refusal(http.StatusBadRequest, codeToken))
			v.Throttled = answer(refusal(http.StatusForbidden, "Forbidden.AccessDenied.QpsLimitForAppkeyAndApi"))
			fetchtest.Run(t, v)
		})
	}
}

// listOf describes a list whose elements have their id under a name.
func listOf(id string, ids func(model.Page) []string) *fetchtest.List {
	return &fetchtest.List{
		Page: func(next string, elements ...string) string {
			return fmt.Sprintf(`{"resultList":[%s],%s}`, strings.Join(elements, ","), pagingOf(next))
		},
		Element: func(value, member string) string {
			if member != "" {
				member = "," + member
			}
			return fmt.Sprintf(`{%q:%q%s}`, id, value, member)
		},
		IDs:    ids,
		Cursor: func(r *http.Request) string { return r.URL.Query().Get("nextToken") },
	}
}

func listOfReaders() *fetchtest.List {
	return &fetchtest.List{
		Page: func(next string, elements ...string) string {
			return fmt.Sprintf(`{"sendStatus":"SUCCESS","readUserIds":[%s],%s}`, strings.Join(elements, ","), pagingOf(next))
		},
		Element: func(id, _ string) string { return quoted(id) },
		IDs:     func(page model.Page) []string { return page.MessageReads[0].ReaderIDs },
		Cursor: func(r *http.Request) string {
			var body readsRequest
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				return err.Error()
			}
			return body.NextToken
		},
	}
}

func pagingOf(next string) string {
	return fmt.Sprintf(`"hasMore":%t,"nextToken":%s`, next != "", quoted(next))
}
