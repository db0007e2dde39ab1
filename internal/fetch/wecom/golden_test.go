package wecom

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch/fetchtest"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// TestGolden reads recorded and composed answers and compares the page with the
// one beside them.
func TestGolden(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	readers := map[string]func([]byte) (outcome, model.Page, error){
		"owners":   func(b []byte) (outcome, model.Page, error) { return c.readOwners(b, nil) },
		"chats":    c.readChats,
		"detail":   func(b []byte) (outcome, model.Page, error) { return c.readDetail(b, chatIDOf(t, b)) },
		"messages": func(b []byte) (outcome, model.Page, error) { return c.readMessages(b, ChatGroup) },
		"tasks":    func(b []byte) (outcome, model.Page, error) { return c.readTasks(b, "msgTest0001", nil) },
		"results":  func(b []byte) (outcome, model.Page, error) { return c.readResults(b, liLeis) },
		"joinways": func(b []byte) (outcome, model.Page, error) { return c.readJoinWay(b, configIDOf(t, b)) },
	}
	for kind, read := range readers {
		files, err := filepath.Glob(filepath.Join("testdata", kind, "*.json"))
		require.NoError(t, err)
		require.NotEmpty(t, files)
		for _, file := range files {
			t.Run(file, func(t *testing.T) {
				t.Parallel()
				body, err := os.ReadFile(file)
				require.NoError(t, err)
				out, page, err := read(body)
				require.NoError(t, err)
				require.Zero(t, out.code)
				requireSound(t, page)
				golden(t, strings.TrimSuffix(file, ".json")+".golden", page)
			})
		}
	}
}

// TestGoldenStatistics does the same for statistics. What was asked stands in a
// file of its own, for the answer is read in its light.
func TestGoldenStatistics(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	files, err := filepath.Glob("testdata/stats/*.json")
	require.NoError(t, err)
	require.NotEmpty(t, files)
	for _, file := range files {
		t.Run(file, func(t *testing.T) {
			t.Parallel()
			body, err := os.ReadFile(file)
			require.NoError(t, err)
			q := questionOf(t, strings.TrimSuffix(file, ".json")+".ask")
			require.Empty(t, q.unfit())
			out, page, err := c.readStats(body, q)
			require.NoError(t, err)
			require.Zero(t, out.code)
			requireSound(t, page)
			requireAnswers(t, page, q)
			golden(t, strings.TrimSuffix(file, ".json")+".golden", page)
		})
	}
}

func (c *Client) readStats(body []byte, q statQuestion) (outcome, model.Page, error) {
	if q.By == model.StatByDay {
		return c.readByDay(body, q)
	}
	return c.readByOwner(body, q)
}

func questionOf(tb testing.TB, file string) statQuestion {
	tb.Helper()
	text, err := os.ReadFile(file)
	require.NoError(tb, err)
	var ask struct {
		Stream string         `json:"stream"`
		Call   model.StatCall `json:"call"`
		Offset int64          `json:"offset"`
	}
	require.NoError(tb, json.Unmarshal(text, &ask))
	return statQuestion{stream: ask.Stream, StatCall: ask.Call, offset: ask.Offset}
}

func golden(t *testing.T, file string, page model.Page) {
	t.Helper()
	fetchtest.Golden(t, file, readablePage(page))
}

// readablePage is a page in which the raw text of rejects can be read.
func readablePage(page model.Page) any {
	rejects := fetchtest.Rejects(page)
	page.Rejects = nil
	return struct {
		Page    model.Page
		Rejects []fetchtest.Reject
	}{page, rejects}
}

func chatIDOf(tb testing.TB, body []byte) string {
	tb.Helper()
	answer, _, err := lenient.Decode[detailAnswer](body)
	if err != nil {
		return ""
	}
	return answer.Chat.Value.ChatID.Value
}

func configIDOf(tb testing.TB, body []byte) string {
	tb.Helper()
	answer, _, err := lenient.Decode[joinWayAnswer](body)
	if err != nil {
		return ""
	}
	return answer.JoinWay.Value.ConfigID.Value
}

func TestBigChat(t *testing.T) {
	t.Parallel()
	body, err := os.ReadFile("testdata/big.json")
	require.NoError(t, err)
	_, page, err := testClient(t, "http://vendor.invalid").readDetail(body, "wrTestChat0500")
	require.NoError(t, err)
	requireSound(t, page)
	require.Len(t, page.Details, 1)
	d := page.Details[0]
	require.Len(t, d.Members, 510)
	require.EqualValues(t, 510, *d.Chat.MemberCount)
	require.Zero(t, d.MembersUnread)
	require.Empty(t, page.Rejects)
	admins, unions := 0, 0
	for _, m := range d.Members {
		if m.IsAdmin {
			admins++
		}
		if m.UnionID != nil {
			unions++
		}
		require.Nil(t, m.Extra)
	}
	require.Equal(t, 4, admins)
	require.Equal(t, 252, unions)
	require.JSONEq(t, `{"member_version":"0a1b2c3d4e5f60718293a4b5c6d7e8f9"}`, string(d.Chat.Extra))
}

func TestAnswersThatSayNothing(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	owners := func(b []byte) (outcome, model.Page, error) { return c.readOwners(b, nil) }
	detail := func(b []byte) (outcome, model.Page, error) { return c.readDetail(b, "wr1") }
	byOwner := func(b []byte) (outcome, model.Page, error) { return c.readByOwner(b, oneDay) }
	byDay := func(b []byte) (outcome, model.Page, error) { return c.readByDay(b, oneMonth) }
	messages := func(b []byte) (outcome, model.Page, error) { return c.readMessages(b, ChatGroup) }
	tasks := func(b []byte) (outcome, model.Page, error) { return c.readTasks(b, "msg1", nil) }
	results := func(b []byte) (outcome, model.Page, error) { return c.readResults(b, liLeis) }
	joinWay := func(b []byte) (outcome, model.Page, error) { return c.readJoinWay(b, "cfg1") }
	for name, tc := range map[string]struct {
		read func([]byte) (outcome, model.Page, error)
		body string
		want string
	}{
		"no owners":        {owners, `{"errcode":0}`, "answer holds no array follow_user"},
		"owners no array":  {owners, `{"errcode":0,"follow_user":"x"}`, "answer holds no array follow_user"},
		"no chats":         {c.readChats, `{"errcode":0}`, "answer holds no array group_chat_list"},
		"cursor no text":   {c.readChats, `{"errcode":0,"group_chat_list":[],"next_cursor":{}}`, "next_cursor is unreadable"},
		"cursor with NUL":  {c.readChats, `{"errcode":0,"group_chat_list":[],"next_cursor":"\u0000"}`, "next_cursor is unreadable"},
		"no chat":          {detail, `{"errcode":0}`, "answer holds no object group_chat"},
		"chat no object":   {detail, `{"errcode":0,"group_chat":[]}`, "answer holds no object group_chat"},
		"no chat id":       {detail, `{"errcode":0,"group_chat":{"member_list":[]}}`, "answer is about another chat than was asked for"},
		"another chat":     {detail, `{"errcode":0,"group_chat":{"chat_id":"wr2","member_list":[]}}`, "answer is about another chat than was asked for"},
		"no members":       {detail, `{"errcode":0,"group_chat":{"chat_id":"wr1"}}`, "answer holds no array member_list"},
		"members no array": {detail, `{"errcode":0,"group_chat":{"chat_id":"wr1","member_list":{}}}`, "answer holds no array member_list"},
		"no owners' rows":  {byOwner, `{"errcode":0,"total":0,"next_offset":0}`, "answer holds no array items"},
		"rows no array":    {byOwner, `{"errcode":0,"items":{}}`, "answer holds no array items"},
		"no days' rows":    {byDay, `{"errcode":0}`, "answer holds no array items"},
		"days no array":    {byDay, `{"errcode":0,"items":"x"}`, "answer holds no array items"},
		"rows, no errcode": {byDay, `{"items":[]}`, "answer is JSON, but has no errcode"},
		"no errcode":       {detail, `{"group_chat":{"chat_id":"wr1","member_list":[]}}`, "answer is JSON, but has no errcode"},
		"no messages":      {messages, `{"errcode":0}`, "answer holds no array group_msg_list"},
		"messages' cursor": {messages, `{"errcode":0,"group_msg_list":[],"next_cursor":[]}`, "next_cursor is unreadable"},
		"no tasks":         {tasks, `{"errcode":0,"task_list":"x"}`, "answer holds no array task_list"},
		"tasks' cursor":    {tasks, `{"errcode":0,"task_list":[],"next_cursor":"\u0000"}`, "next_cursor is unreadable"},
		"no results":       {results, `{"errcode":0,"send_list":{}}`, "answer holds no array send_list"},
		"results' cursor":  {results, `{"errcode":0,"send_list":[],"next_cursor":{}}`, "next_cursor is unreadable"},
		"no join way":      {joinWay, `{"errcode":0}`, "answer holds no object join_way"},
		"no object":        {joinWay, `{"errcode":0,"join_way":"cfg1"}`, "answer holds no object join_way"},
		"no config id":     {joinWay, `{"errcode":0,"join_way":{}}`, "answer is about another join way than was asked for"},
		"another join way": {joinWay, `{"errcode":0,"join_way":{"config_id":"cfg2"}}`, "answer is about another join way than was asked for"},
		"not JSON":         {detail, `<html>`, "not a JSON object"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, page, err := tc.read([]byte(tc.body))
			require.ErrorContains(t, err, tc.want)
			require.Empty(t, page)
		})
	}
}

// The state of a join way is in an index of PostgreSQL, which holds no long text: one
// such text must not keep a whole commit out.
func TestLongStateOfAJoinWay(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid")
	for _, length := range []int{stateBytesMax, stateBytesMax + 1} {
		state := strings.Repeat("s", length)
		_, page, err := c.readJoinWay([]byte(`{"errcode":0,"join_way":{"config_id":"cfg1","state":"`+state+`"}}`), "cfg1")
		require.NoError(t, err)
		if way := page.JoinWays[0]; length <= stateBytesMax {
			require.Equal(t, state, *way.State)
			require.Nil(t, way.Extra)
		} else {
			require.Nil(t, way.State)
			require.JSONEq(t, `{"state":"`+state+`"}`, string(way.Extra))
		}
	}
}
