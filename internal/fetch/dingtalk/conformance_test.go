package dingtalk

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
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
	for name, v := range map[string]fetchtest.Vendor{
		"chats":         {Chain: chatsChain(testClient(t, "http://vendor.invalid")), Answer: sample(t, "chats/last.json")},
		"chat_checks":   {Chain: checkChain("cid6KeBBL/+5x7EeiodoA=="), Answer: sample(t, "chat/full.json")},
		"group_sets":    {Chain: setsChain(), Answer: sample(t, "sets/first.json")},
		"message_reads": {Chain: readsChain("key", time.Time{}), Answer: sample(t, "reads/sample.json")},
	} {
		t.Run(name, func(t *testing.T) {
			v.New, v.Authenticate = newSource, authenticate
			fetchtest.Run(t, v)
		})
	}
}
