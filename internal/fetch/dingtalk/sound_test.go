package dingtalk

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// requireSound checks what holds for every page whatever the vendor sent: ids
// that are ids, and nothing that PostgreSQL refuses.
func requireSound(tb testing.TB, page model.Page) {
	tb.Helper()
	require.Equal(tb, page.Next == "", page.Last)
	require.True(tb, page.Total == nil || *page.Total >= 0)
	for _, c := range page.Chats {
		require.True(tb, lenient.IsID(c.ID))
		soundID(tb, c.OwnerID, c.GroupSetID)
		soundText(tb, c.Name, c.OwnerName, c.RelationType)
		soundTime(tb, c.CreatedAt)
		soundExtra(tb, c.Extra)
	}
	for _, s := range page.GroupSets {
		require.True(tb, lenient.IsID(s.ID))
		require.NotNil(tb, s.RelationType)
		soundID(tb, s.OwnerID)
		soundText(tb, s.Name, s.RelationType, s.Notice)
		soundTime(tb, s.CreatedAt, s.ChangedAt)
		soundExtra(tb, s.Extra)
	}
	for _, m := range page.MessageReads {
		require.Equal(tb, "key", m.Key)
		soundText(tb, m.SendStatus)
		seen := map[string]bool{}
		for _, id := range m.ReaderIDs {
			require.True(tb, lenient.IsID(id))
			require.False(tb, seen[id], "%q twice", id)
			seen[id] = true
		}
	}
	for _, r := range page.Rejects {
		require.Contains(tb, []string{"chat", "group_set", "reader"}, r.Kind)
		require.NotEmpty(tb, r.Reason)
		require.NotEmpty(tb, r.Raw)
	}
}

func soundID(tb testing.TB, ids ...*string) {
	tb.Helper()
	for _, id := range ids {
		require.True(tb, id == nil || lenient.IsID(*id))
	}
}

func soundText(tb testing.TB, texts ...*string) {
	tb.Helper()
	for _, s := range texts {
		if s != nil {
			require.True(tb, utf8.ValidString(*s))
			require.NotContains(tb, *s, "\x00")
		}
	}
}

func soundTime(tb testing.TB, times ...*time.Time) {
	tb.Helper()
	for _, at := range times {
		if at != nil {
			require.False(tb, at.IsZero())
			require.Less(tb, at.Year(), 10000)
			require.Positive(tb, at.Year())
			require.Equal(tb, time.UTC, at.Location())
		}
	}
}

// soundExtra relies on jsontext being strict: no invalid UTF-8, no lone surrogate,
// no name twice. NUL is escaped one way only in what we write.
func soundExtra(tb testing.TB, extra json.RawMessage) {
	tb.Helper()
	if extra == nil {
		return
	}
	v := jsontext.Value(extra)
	require.True(tb, v.IsValid(), "%s", extra)
	require.Equal(tb, jsontext.KindBeginObject, v.Kind())
	require.NotContains(tb, string(extra), `\u0000`)
}

// elementsIn counts what stood in the lists of an answer.
func elementsIn(tb testing.TB, body []byte, lists ...string) int {
	tb.Helper()
	type any3 struct {
		Results     lenient.Elements[lenient.Text] `json:"resultList"`
		ReadUserIDs lenient.Elements[lenient.Text] `json:"readUserIds"`
	}
	answer, _, err := lenient.Decode[any3](body)
	require.NoError(tb, err)
	n := 0
	for _, list := range lists {
		if list == "resultList" {
			n += len(answer.Results.Items)
		} else {
			n += len(answer.ReadUserIDs.Items)
		}
	}
	return n
}

// fuzz feeds the reader of a folder of testdata. The property: an error of class
// malformed or no JSON, or a sound page in which no element of the list is lost;
// never both.
func fuzz(f *testing.F, kind string, list string) {
	f.Helper()
	c := testClient(f, "http://vendor.invalid")
	read := c.readers(f)[kind]
	files, err := filepath.Glob(filepath.Join("testdata", "*", "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		page, err := read(body)
		if err != nil {
			require.Empty(t, page)
			class := fetch.ClassOf(err)
			require.True(t, class == fetch.ClassMalformed || err == lenient.ErrNotJSON, "%v", err) //nolint:errorlint // it is not wrapped
			return
		}
		requireSound(t, page)
		if list != "" {
			require.Equal(t, elementsIn(t, body, list), len(page.Chats)+len(page.GroupSets)+len(page.Rejects))
		}
	})
}

func FuzzChats(f *testing.F) { fuzz(f, "chats", "resultList") }
func FuzzChat(f *testing.F)  { fuzz(f, "chat", "") }
func FuzzSets(f *testing.F)  { fuzz(f, "sets", "resultList") }
func FuzzReads(f *testing.F) { fuzz(f, "reads", "") }

// FuzzVerdict: whatever comes back is read well or has a class and a code, and a
// block of a host or a source says for how long.
func FuzzVerdict(f *testing.F) {
	c := testClient(f, "http://vendor.invalid")
	for code := range rules {
		f.Add(400, []byte(`{"code":"`+code+`","message":"no","requestid":"r","accessdenieddetail":{"requiredScopes":["a"]}}`))
	}
	f.Add(200, []byte(`{"punish":"deny"}`))
	f.Add(403, []byte(`<html>`))
	f.Add(204, []byte(``))
	f.Fuzz(func(t *testing.T, status int, body []byte) {
		read := false
		bad := c.verdict(question{endpoint: endpointReads, cursor: true}, fetch.Answer{Status: status, Body: body}, func([]byte) error {
			read = true
			return nil
		})
		require.Equal(t, bad == nil, read)
		if bad == nil {
			require.Equal(t, 2, status/100)
			return
		}
		require.NotEmpty(t, bad.Code)
		require.NotEqual(t, fetch.ClassUnknown, bad.Class)
		require.Equal(t, bad.Scope != "", bad.Class == fetch.ClassThrottled && bad.RetryAfter > time.Minute)
	})
}
