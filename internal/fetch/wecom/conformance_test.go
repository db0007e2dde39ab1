package wecom

import (
	"encoding/json"
	"fmt"
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
		if r.URL.Path != "/cgi-bin/gettoken" {
			return false
		}
		if r.URL.Query().Get("corpsecret") != fetchtest.Secret {
			fmt.Fprint(w, failure(40001))
			return true
		}
		fmt.Fprintf(w, `{"errcode":0,"errmsg":"ok","access_token":%q,"expires_in":7200}`, fetchtest.Token)
		return true
	}
	answer := func(code int) func(http.ResponseWriter) {
		return func(w http.ResponseWriter) { fmt.Fprint(w, failure(code)) }
	}
	newSource := func(t *testing.T, base, secret string, opts fetch.Options) fetchtest.Source {
		t.Helper()
		c, err := New(Options{Source: "acme", BaseURL: base, CorpID: testCorp, Secret: secret, Fetch: opts})
		require.NoError(t, err)
		return c
	}
	for name, v := range map[string]fetchtest.Vendor{
		"owners": {
			Chain:  model.Chain{Stream: "owners", Subject: "all", Params: []byte(`{}`)},
			Answer: owners,
		},
		"chats": {
			Chain:  model.Chain{Stream: "chats", Subject: "status/0", Params: []byte(`{"status_filter":0,"limit":1000}`)},
			Answer: sample(t, "chats/first.json"),
			List:   listOfChats(),
		},
		"members": {
			Chain:  model.Chain{Stream: "members", Subject: "wrTestChat0001", Params: []byte(`{"need_name":1}`)},
			Answer: sample(t, "detail/full.json"),
		},
		"owner_stats by owner": {
			Chain:  statChain(oneDay),
			Answer: sample(t, "stats/by_owner_last.json"),
		},
		"owner_stats by day": {
			Chain:  statChain(oneMonth),
			Answer: sample(t, "stats/by_day.json"),
		},
		"daily_stats": {
			Chain:  statChain(questionOf(t, "testdata/stats/batch_by_day.ask")),
			Answer: sample(t, "stats/batch_by_day.json"),
		},
		"owner_period_stats": {
			Chain:  statChain(questionOf(t, "testdata/stats/sample_by_owner.ask")),
			Answer: sample(t, "stats/sample_by_owner.json"),
		},
		"group_messages": {
			Chain: model.Chain{
				Stream: "group_messages", Subject: "group", Params: []byte(`{"chat_type":"group","filter_type":2,"limit":100}`),
				Bounds: model.Bounds{After: time.Unix(1717200000, 0), Until: time.Unix(1717900000, 0)},
			},
			Answer: sample(t, "messages/first.json"),
		},
		"group_message_tasks": {
			Chain:  model.Chain{Stream: "group_message_tasks", Subject: "msgTest0001", Params: []byte(`{"limit":1000}`)},
			Answer: sample(t, "tasks/last.json"),
		},
		"group_message_results": {
			Chain:  model.Chain{Stream: "group_message_results", Subject: "msgTest0001/li.lei", Params: []byte(`{"limit":1000}`)},
			Answer: sample(t, "results/group.json"),
		},
		"join_ways": {
			Chain:  model.Chain{Stream: "join_ways", Subject: "9ad7fa5cdaa65112aaaaaaaaaaaaaaaa", Params: []byte(`{}`)},
			Answer: sample(t, "joinways/full.json"),
		},
	} {
		t.Run(name, func(t *testing.T) {
			v.New, v.Authenticate = newSource, authenticate
			v.TokenRefused, v.Throttled = answer(42001), answer(45009)
			fetchtest.Run(t, v)
		})
	}
}

func listOfChats() *fetchtest.List {
	return &fetchtest.List{
		Page: func(next string, elements ...string) string {
			cursor, err := json.Marshal(next)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprintf(`{"errcode":0,"errmsg":"ok","group_chat_list":[%s],"next_cursor":%s}`, strings.Join(elements, ","), cursor)
		},
		Element: func(id, member string) string {
			if member != "" {
				member = "," + member
			}
			return fmt.Sprintf(`{"chat_id":%q,"status":0%s}`, id, member)
		},
		IDs: func(page model.Page) (ids []string) {
			for _, chat := range page.Chats {
				ids = append(ids, chat.ID)
			}
			return ids
		},
		Cursor: func(r *http.Request) string {
			var body chatsRequest
			if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
				return err.Error()
			}
			return body.Cursor
		},
	}
}
