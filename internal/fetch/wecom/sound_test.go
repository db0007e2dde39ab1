package wecom

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/stretchr/testify/require"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// requireSound checks what holds for every page whatever the vendor sent: ids
// that are ids, and nothing that PostgreSQL refuses.
func requireSound(tb testing.TB, page model.Page) {
	tb.Helper()
	require.Equal(tb, page.Next == "", page.Last)
	for _, o := range page.Owners {
		require.True(tb, lenient.IsID(o.ID))
	}
	for _, c := range page.Chats {
		soundChat(tb, c)
	}
	for _, d := range page.Details {
		soundChat(tb, d.Chat)
		type spell struct {
			id     string
			joined time.Time
		}
		spells := map[spell]bool{}
		for _, m := range d.Members {
			spells[spell{m.ID, m.JoinedAt}] = true
		}
		require.EqualValues(tb, len(spells)+d.MembersUnread, *d.Chat.MemberCount)
		require.Len(tb, page.Rejects, d.MembersUnread)
		for _, m := range d.Members {
			require.True(tb, lenient.IsID(m.ID))
			require.Less(tb, m.JoinedAt.Year(), 10000)
			soundText(tb, m.Name, m.GroupNickname, m.UnionID, m.InvitorID, m.State)
			soundExtra(tb, m.Extra)
		}
	}
	for _, s := range page.OwnerStats {
		require.True(tb, lenient.IsID(s.OwnerID))
		soundExtra(tb, s.Extra)
	}
	for _, s := range page.DayStats {
		soundExtra(tb, s.Extra)
	}
	for _, s := range page.PeriodStats {
		require.True(tb, lenient.IsID(s.OwnerID))
		soundExtra(tb, s.Extra)
	}
	soundMessages(tb, page)
	for _, r := range page.Rejects {
		require.NotEmpty(tb, r.Kind)
		require.NotEmpty(tb, r.Reason)
		require.NotEmpty(tb, r.Raw)
	}
}

// soundMessages is requireSound for mass messages and join ways.
func soundMessages(tb testing.TB, page model.Page) {
	tb.Helper()
	for _, m := range page.GroupMessages {
		require.True(tb, lenient.IsID(m.ID))
		require.Equal(tb, ChatGroup, m.ChatType)
		require.True(tb, m.CreatorID == nil || lenient.IsID(*m.CreatorID))
		soundText(tb, m.CreatorID, m.Content)
		soundTime(tb, m.CreatedAt)
		soundJSON(tb, m.Attachments, jsontext.KindBeginArray)
		soundExtra(tb, m.Extra)
	}
	for _, task := range page.MessageTasks {
		require.True(tb, lenient.IsID(task.UserID))
		by, ok := senderOf(sender{task.MessageID, task.UserID}.subject())
		require.True(tb, ok)
		require.Equal(tb, sender{task.MessageID, task.UserID}, by)
		soundTime(tb, task.SentAt)
		soundExtra(tb, task.Extra)
	}
	for _, r := range page.MessageResults {
		require.NotEmpty(tb, r.ChatID+r.ExternalUserID)
		require.True(tb, r.ChatID == "" || lenient.IsID(r.ChatID))
		require.True(tb, r.ExternalUserID == "" || lenient.IsID(r.ExternalUserID))
		soundTime(tb, r.SentAt)
		soundExtra(tb, r.Extra)
	}
	for _, w := range page.JoinWays {
		require.True(tb, lenient.IsID(w.ID))
		soundText(tb, w.Remark, w.RoomBaseName, w.QRCode, w.State)
		for _, chat := range w.ChatIDs {
			require.True(tb, lenient.IsID(chat))
		}
		soundExtra(tb, w.Extra)
	}
}

func soundTime(tb testing.TB, at *time.Time) {
	tb.Helper()
	if at != nil {
		require.False(tb, at.IsZero())
		require.Less(tb, at.Year(), 10000)
	}
}

// requireAnswers checks a page of statistics against what was asked: at most one
// row for each owner and day, and none that nobody wanted.
func requireAnswers(tb testing.TB, page model.Page, q statQuestion) {
	tb.Helper()
	type key struct {
		owner    string
		from, to model.Day
	}
	seen := map[key]bool{}
	row := func(k key, f model.Figures) {
		require.False(tb, seen[k], "%v twice", k)
		seen[k] = true
		require.True(tb, k.owner == "" || slices.Contains(q.Owners, k.owner), k.owner)
		require.GreaterOrEqual(tb, k.from.Compare(q.From), 0)
		require.LessOrEqual(tb, k.to.Compare(q.To), 0)
		require.NotEqual(tb, model.Figures{}, f, "a row that tells nothing")
	}
	for _, s := range page.OwnerStats {
		require.Equal(tb, streamOwnerStats, q.stream)
		require.NotEmpty(tb, s.OwnerID)
		row(key{s.OwnerID, s.Day, s.Day}, s.Figures)
	}
	for _, s := range page.DayStats {
		require.Equal(tb, streamDailyStats, q.stream)
		row(key{"", s.Day, s.Day}, s.Figures)
	}
	for _, s := range page.PeriodStats {
		require.Equal(tb, streamPeriodStats, q.stream)
		require.Equal(tb, [2]model.Day{q.From, q.To}, [2]model.Day{s.From, s.To})
		row(key{s.OwnerID, s.From, s.To}, s.Figures)
	}
}

func soundChat(tb testing.TB, c model.Chat) {
	tb.Helper()
	require.True(tb, lenient.IsID(c.ID))
	soundText(tb, c.Name, c.OwnerID, c.Notice)
	require.True(tb, c.OwnerID == nil || lenient.IsID(*c.OwnerID))
	soundExtra(tb, c.Extra)
	soundTime(tb, c.CreatedAt)
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

// soundExtra relies on jsontext being strict: no invalid UTF-8, no lone
// surrogate, no name twice. NUL is escaped one way only in what we write.
func soundExtra(tb testing.TB, extra json.RawMessage) {
	tb.Helper()
	soundJSON(tb, extra, jsontext.KindBeginObject)
}

func soundJSON(tb testing.TB, text json.RawMessage, kind jsontext.Kind) {
	tb.Helper()
	if text == nil {
		return
	}
	v := jsontext.Value(text)
	require.True(tb, v.IsValid())
	require.Equal(tb, kind, v.Kind())
	require.NotContains(tb, strings.ReplaceAll(string(text), `\\`, ""), `\u0000`)
}

func seed(f *testing.F, kind string) {
	f.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", kind, "*.json"))
	require.NoError(f, err)
	for _, file := range files {
		body, err := os.ReadFile(file)
		require.NoError(f, err)
		f.Add(body)
	}
	f.Add([]byte("{\"errcode\":0,\"follow_user\":[\"\x00\"],\"group_chat_list\":[],\"group_chat\":{\"chat_id\":\"\xff\"}}"))
}

func FuzzOwners(f *testing.F) {
	seed(f, "owners")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readOwners(body, nil)
		checkRead(t, out, page, err)
	})
}

func FuzzChats(f *testing.F) {
	seed(f, "chats")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readChats(body)
		checkRead(t, out, page, err)
	})
}

func FuzzDetail(f *testing.F) {
	seed(f, "detail")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		id := chatIDOf(t, body)
		if !lenient.IsID(id) {
			id = "wr1"
		}
		out, page, err := c.readDetail(body, id)
		checkRead(t, out, page, err)
		if err == nil && out.code == 0 {
			require.Equal(t, id, page.Details[0].Chat.ID)
		}
	})
}

func FuzzByOwner(f *testing.F) {
	seed(f, "stats")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readByOwner(body, oneDay)
		checkStats(t, out, page, err, oneDay, body)
		month := oneDay
		month.stream, month.From = streamPeriodStats, month.From.Add(-29)
		out, page, err = c.readByOwner(body, month)
		checkStats(t, out, page, err, month, body)
	})
}

func FuzzByDay(f *testing.F) {
	seed(f, "stats")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readByDay(body, oneMonth)
		checkStats(t, out, page, err, oneMonth, body)
		batch := oneMonth
		batch.stream, batch.Owners = streamDailyStats, oneDay.Owners
		out, page, err = c.readByDay(body, batch)
		checkStats(t, out, page, err, batch, body)
	})
}

// checkStats: as checkRead, and every element of the answer is a row or set aside.
func checkStats(t *testing.T, out outcome, page model.Page, err error, q statQuestion, body []byte) {
	t.Helper()
	checkRead(t, out, page, err)
	if err != nil || out.code != 0 {
		return
	}
	requireAnswers(t, page, q)
	answer, _, err := lenient.Decode[struct {
		Items lenient.Elements[lenient.Text] `json:"items"`
	}](body)
	require.NoError(t, err)
	require.Equal(t, len(answer.Items.Items), page.Rows()+len(page.Rejects))
}

// checkRead: an error, a verdict of the vendor's, or a sound page; never two of
// them.
func checkRead(t *testing.T, out outcome, page model.Page, err error) {
	t.Helper()
	if err != nil || out.code != 0 {
		require.Empty(t, page)
		return
	}
	requireSound(t, page)
}
