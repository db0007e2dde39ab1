package scrm

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// requireSound checks what holds for every page whatever the vendor sent: keys
// that are keys, each once, and nothing that PostgreSQL refuses.
func requireSound(tb testing.TB, page model.Page) {
	tb.Helper()
	owners, chats, groups, tasks := map[string]bool{}, map[string]bool{}, map[string]bool{}, map[string]bool{}
	key := func(seen map[string]bool, id string) {
		require.True(tb, lenient.IsID(id))
		require.False(tb, seen[id], "%s twice", id)
		seen[id] = true
	}
	for _, o := range page.Owners {
		key(owners, o.ID)
		soundText(tb, o.Name, o.DepartmentName)
	}
	for _, c := range page.Chats {
		key(chats, c.ID)
		soundText(tb, c.Name, c.OwnerID, c.OwnerName, c.DepartmentName)
		require.True(tb, c.OwnerID == nil || owners[*c.OwnerID])
		soundTime(tb, c.CreatedAt)
		soundExtra(tb, c.Extra)
	}
	for _, g := range page.SOPGroups {
		key(groups, g.ChatID)
		require.True(tb, chats[g.ChatID])
		tags := map[string]bool{}
		for _, tag := range g.Tags {
			require.NotEmpty(tb, tag)
			require.LessOrEqual(tb, len(tag), tagBytesMax)
			require.False(tb, tags[tag])
			tags[tag] = true
			soundText(tb, &tag)
		}
		for _, raw := range g.Calendars {
			soundJSON(tb, raw)
		}
		for _, task := range g.Tasks {
			key(tasks, task.ID)
			require.Equal(tb, g.ChatID, task.ChatID)
			soundText(tb, task.InfoID, task.Title, task.CreatorID, task.OwnerID, task.OwnerName)
			soundTime(tb, task.StartsAt)
			soundExtra(tb, task.Extra)
		}
	}
	require.Len(tb, groups, len(chats))
	for _, r := range page.Rejects {
		require.Contains(tb, []string{"chat", "task"}, r.Kind)
		require.Equal(tb, r.Kind == "task", r.Parent != "")
		require.NotEmpty(tb, r.Reason)
		require.NotEmpty(tb, r.Raw)
	}
}

func soundTime(tb testing.TB, at *time.Time) {
	tb.Helper()
	if at != nil {
		require.Equal(tb, time.UTC, at.Location())
		require.GreaterOrEqual(tb, at.Year(), yearMin-1)
		require.Less(tb, at.Year(), 10001)
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

func soundExtra(tb testing.TB, extra json.RawMessage) {
	tb.Helper()
	if extra != nil {
		soundJSON(tb, extra)
		require.Equal(tb, jsontext.KindBeginObject, jsontext.Value(extra).Kind())
	}
}

// soundJSON relies on jsontext being strict: no invalid UTF-8, no lone surrogate,
// no name twice. NUL is escaped one way only in what we write.
func soundJSON(tb testing.TB, raw json.RawMessage) {
	tb.Helper()
	require.True(tb, jsontext.Value(raw).IsValid(), "%s", raw)
	require.NotContains(tb, strings.ReplaceAll(string(raw), `\\`, ""), `\u0000`)
}

// An answer is an error, a verdict of the vendor's, or a sound page in which every
// row is a chat, set aside, or one that comes again.
func FuzzGroups(f *testing.F) {
	files, err := filepath.Glob(filepath.Join("testdata", "groups", "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte(`{"code":1003,"message":"\u0000","data":null}`))
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, told, page, err := c.readGroups(body)
		if err != nil || out.code != 0 {
			require.Empty(t, page)
			require.Empty(t, told)
			return
		}
		requireSound(t, page)
		require.LessOrEqual(t, int64(len(page.Chats)), told.rows)
		chats := 0
		for _, r := range page.Rejects {
			if r.Kind == "chat" {
				chats++
			}
		}
		require.LessOrEqual(t, int64(len(page.Chats)+chats), told.rows)
		require.Equal(t, told.total, *page.Total)
		require.Equal(t, told.ids == "", len(page.Chats) == 0)
	})
}

// Whatever a cursor and an answer say, a chain goes towards an end: forwards
// within the bound, then downwards, and never back.
func FuzzPosition(f *testing.F) {
	f.Add(`{"page":2,"size":50,"total":120,"latest":120}`, int64(2), int64(50), int64(120), int64(3), int64(50), "a")
	f.Add(`{"page":3,"size":50,"total":120,"latest":120}`, int64(3), int64(50), int64(119), int64(3), int64(19), "b")
	f.Add(`{"page":2,"size":1,"total":9,"latest":8,"down":true,"shifted":true,"ids":"x"}`, int64(1), int64(0), int64(1), int64(1), int64(1), "")
	f.Fuzz(func(t *testing.T, cursor string, page, size, total, pages, rows int64, ids string) {
		p, ok := parsePosition(cursor)
		if !ok || page < 0 || total < 0 || size > pageSizeMax || rows < 0 {
			return
		}
		again, ok := parsePosition(p.String())
		require.True(t, ok)
		require.Equal(t, p, again)
		next, last, err := p.after(listing{page: page, size: size, total: total, pages: pages, rows: rows, ids: ids})
		if err != nil {
			require.Empty(t, next)
			require.False(t, last)
			return
		}
		require.True(t, next.Shifted || !p.Shifted)
		require.True(t, next.Shifted || !next.Down)
		if last {
			return
		}
		require.False(t, next.head(), "the head again")
		require.True(t, next.Down || next.Page > p.Page)
		require.True(t, !p.Down || next.Down && next.Page < p.Page)
		_, ok = parsePosition(next.String())
		require.True(t, ok, "a cursor that is not taken: %s", next)
	})
}
