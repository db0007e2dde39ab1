package dingtalk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// TestGolden reads recorded and composed answers and compares the page, or why
// there is none, with the one beside them.
func TestGolden(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for kind, read := range c.readers(t) {
		files, err := filepath.Glob(filepath.Join("testdata", kind, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				page, err := read(body)
				if err == nil {
					requireSound(t, page)
				}
				golden(t, strings.TrimSuffix(file, ".json")+".golden", page, err)
			})
		}
	}
}

// readers are what reads the answers in each folder of testdata.
func (c *Client) readers(tb testing.TB) map[string]func([]byte) (model.Page, error) {
	tb.Helper()
	return map[string]func([]byte) (model.Page, error){
		"chats": func(b []byte) (model.Page, error) { return c.readChats(b, "crm_customer") },
		"chat":  func(b []byte) (model.Page, error) { return readChat(b, idIn(b)) },
		"sets":  func(b []byte) (model.Page, error) { return c.readSets(b, "crm_customer") },
		"reads": func(b []byte) (model.Page, error) { return c.readReads(b, "key") },
	}
}

// idIn is the id of the chat that an answer is about.
func idIn(body []byte) string {
	chat, _, err := lenient.Decode[chatObject](body)
	if err != nil || !lenient.IsID(chat.ID.Value) {
		return "?"
	}
	return chat.ID.Value
}

func golden(t *testing.T, file string, page model.Page, err error) {
	t.Helper()
	if err != nil {
		fetchtest.Golden(t, file, map[string]any{"Error": err.Error()})
		return
	}
	fetchtest.Golden(t, file, readable(t, page))
}

// readable is a page in which the raw text of rejects can be read, without the
// times of the asking and without what is nil: that is not told.
func readable(t *testing.T, page model.Page) map[string]any {
	t.Helper()
	text, err := json.Marshal(page)
	require.NoError(t, err)
	out := map[string]any{}
	require.NoError(t, json.Unmarshal(text, &out))
	delete(out, "RequestedAt")
	delete(out, "ReceivedAt")
	delete(out, "Calls")
	dropNil(out)
	for _, records := range out {
		list, _ := records.([]any)
		for _, record := range list {
			if fields, ok := record.(map[string]any); ok {
				dropNil(fields)
			}
		}
	}
	if len(page.Rejects) > 0 {
		rejects := make([]any, 0, len(page.Rejects))
		for _, r := range page.Rejects {
			rejects = append(rejects, map[string]string{"Kind": r.Kind, "Parent": r.Parent, "Reason": r.Reason, "Raw": string(r.Raw)})
		}
		out["Rejects"] = rejects
	}
	return out
}

func dropNil(object map[string]any) {
	for name, value := range object {
		if value == nil {
			delete(object, name)
		}
	}
}

func TestAnswersThatSayNothing(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	read := c.readers(t)
	for name, tc := range map[string]struct {
		kind, body, want string
	}{
		"an empty object":          {"chats", `{}`, "answer holds no array resultList"},
		"more, but no list":        {"chats", `{"hasMore":true,"nextToken":"a"}`, "answer holds no array resultList"},
		"a list of another kind":   {"chats", `{"resultList":{},"hasMore":false}`, "resultList is no array"},
		"more, but no token":       {"chats", `{"resultList":[],"hasMore":true}`, "hasMore is true, but there is no nextToken"},
		"more, an empty token":     {"chats", `{"resultList":[],"hasMore":true,"nextToken":""}`, "hasMore is true, but there is no nextToken"},
		"a token of another kind":  {"chats", `{"resultList":[],"hasMore":true,"nextToken":[]}`, "nextToken is unreadable"},
		"a token with NUL":         {"chats", `{"resultList":[],"hasMore":true,"nextToken":"a\u0000"}`, "nextToken is unreadable"},
		"more of another kind":     {"chats", `{"resultList":[],"hasMore":{}}`, "hasMore is unreadable"},
		"no JSON":                  {"chats", `no`, "not a JSON object"},
		"no sets":                  {"sets", `{"totalCount":3}`, "answer holds no array resultList"},
		"sets that are no JSON":    {"sets", `[]`, "not a JSON object"},
		"no readers, no status":    {"reads", `{"hasMore":false}`, "answer holds neither sendStatus nor readUserIds"},
		"readers of another kind":  {"reads", `{"sendStatus":"SUCCESS","readUserIds":"a"}`, "readUserIds is no array"},
		"readers, but no token":    {"reads", `{"readUserIds":["a"],"hasMore":true}`, "hasMore is true, but there is no nextToken"},
		"readers that are no JSON": {"reads", ``, "not a JSON object"},
		"a chat that is no JSON":   {"chat", `"x"`, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			page, err := read[tc.kind]([]byte(tc.body))
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, page)
		})
	}
	for name, body := range map[string]string{
		"another chat":             `{"openConversationId":"b"}`,
		"an id in another case":    `{"openconversationid":"a"}`,
		"no id":                    `{"name":"a"}`,
		"nothing":                  `{}`,
		"an id that is null":       `{"openConversationId":null}`,
		"the answer of the list":   `{"resultList":[{"openConversationId":"a"}]}`,
		"a result within a result": `{"result":{"openConversationId":"a"}}`,
	} {
		t.Run("one chat: "+name, func(t *testing.T) {
			t.Parallel()
			_, err := readChat([]byte(body), "a")
			require.Equal(t, fetch.ClassMalformed, fetch.ClassOf(err), "it confirms nothing")
		})
	}
}
