package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// massAnswer is what the three endpoints answer, as an outsider reads it.
type massAnswer struct {
	answer

	Messages []struct {
		ID      string  `json:"msgid"`
		Creator *string `json:"creator"`
		Created int64   `json:"create_time"`
		Type    *int    `json:"create_type"`
		Text    *struct {
			Content *string `json:"content"`
		} `json:"text"`
		Attachments json.RawMessage `json:"attachments"`
	} `json:"group_msg_list"`
	Tasks []sentRow `json:"task_list"`
	Sends []sentRow `json:"send_list"`
}

type sentRow struct {
	UserID     string `json:"userid"`
	ChatID     string `json:"chat_id"`
	ExternalID string `json:"external_userid"`
	Status     *int   `json:"status"`
	SendTime   *int64 `json:"send_time"`
}

func (c *client) mass(endpoint, body string) massAnswer {
	raw := c.raw(http.MethodPost, c.path(endpoint), body)
	var got massAnswer
	require.NoError(c.t, json.Unmarshal(raw, &got), "%s", raw)
	return got
}

// all follows the listing that body begins, a JSON object, to its end.
func (c *client) all(endpoint string, params map[string]any) massAnswer {
	var sum massAnswer
	limit, _ := params["limit"].(int)
	for cursor := ""; ; {
		params["cursor"] = cursor
		body, err := json.Marshal(params)
		require.NoError(c.t, err)
		got := c.mass(endpoint, string(body))
		require.Zero(c.t, got.Errcode, got.Errmsg)
		require.LessOrEqual(c.t, len(got.Messages)+len(got.Tasks)+len(got.Sends), limit)
		sum.Messages = append(sum.Messages, got.Messages...)
		sum.Tasks = append(sum.Tasks, got.Tasks...)
		sum.Sends = append(sum.Sends, got.Sends...)
		if got.NextCursor == nil || *got.NextCursor == "" {
			return sum
		}
		require.NotEqual(c.t, cursor, *got.NextCursor)
		cursor = *got.NextCursor
	}
}

// rows are the truth as an answer has it.
func taskRows(tasks []Task) (rows []sentRow) {
	for _, one := range tasks {
		rows = append(rows, sentRow{UserID: one.Sender, Status: &one.Status, SendTime: unixOrNil(one.SentAt)})
	}
	return rows
}

func resultRows(results []Result) (rows []sentRow) {
	for _, one := range results {
		rows = append(rows, sentRow{
			UserID: one.Sender, ChatID: one.ChatID, ExternalID: one.ExternalID,
			Status: &one.Status, SendTime: unixOrNil(one.SentAt),
		})
	}
	return rows
}

func unixOrNil(at time.Time) *int64 {
	if at.IsZero() {
		return nil
	}
	unix := at.Unix()
	return &unix
}

func TestMassMessagesTellTheTruth(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6, Resigned: ResignedFiltered})
	c.advance(12 * 24 * time.Hour)
	c.login()
	now := c.sim.Now()
	from := now.AddDate(0, 0, -25)
	seen := map[string]int{}
	for _, chatType := range []string{"group", "single"} {
		var want []Message
		for m := range c.sim.Messages(now) {
			if m.ChatType == chatType && !m.CreatedAt.Before(from) {
				want = append(want, m)
			}
		}
		got := c.all(EndpointMessages, map[string]any{"chat_type": chatType, "start_time": from.Unix(), "end_time": now.Unix(), "limit": 7})
		require.Len(t, got.Messages, len(want))
		for i, m := range want {
			row := got.Messages[i]
			require.Equal(t, []any{m.ID, m.CreatedAt.Unix(), m.CreateType, m.Attachments},
				[]any{row.ID, row.Created, *row.Type, string(row.Attachments)})
			require.Equal(t, m.Creator == "", row.Creator == nil)
			require.True(t, row.Creator == nil || m.Creator == *row.Creator)
			require.Equal(t, m.Text == nil, row.Text == nil)
			require.True(t, row.Text == nil || *m.Text == *row.Text.Content)
			seen[fmt.Sprintf("%s: type %d, creator %t", chatType, m.CreateType, m.Creator != "")]++
			checkSends(t, c, m, seen)
		}
	}
	for _, what := range []string{
		"group: type 0, creator false", "group: type 0, creator true", "group: type 1, creator true",
		"single: type 0, creator true", "single: type 1, creator true",
		"cancelled", "several senders", "task 0", "task 2",
		"group 0", "group 1", "group 2", "group 3", "single 0", "single 1", "single 2", "single 3",
	} {
		require.Positive(t, seen[what], "%s: %v", what, seen)
	}
}

// checkSends compares tasks and results of one message with the truth.
func checkSends(t *testing.T, c *client, m Message, seen map[string]int) {
	t.Helper()
	if !m.CancelledAt.IsZero() {
		checkRefused(t, c.mass(EndpointTasks, `{"msgid":"`+m.ID+`"}`).answer, codeCancelled)
		seen["cancelled"]++
		return
	}
	now := c.sim.Now()
	tasks := c.sim.Tasks(m.ID, now)
	require.Equal(t, taskRows(tasks), c.all(EndpointTasks, map[string]any{"msgid": m.ID, "limit": 2}).Tasks)
	if len(tasks) > 1 {
		seen["several senders"]++
	}
	for _, task := range tasks {
		seen[fmt.Sprint("task ", task.Status)]++
		results := c.sim.Results(m.ID, task.Sender, now)
		got := c.all(EndpointResults, map[string]any{"msgid": m.ID, "userid": task.Sender, "limit": 20})
		require.Equal(t, resultRows(results), got.Sends)
		for _, one := range results {
			seen[fmt.Sprint(m.ChatType, " ", one.Status)]++
		}
	}
}

// What must hold for any mass message at any moment.
func TestMassMessagesAreConsistent(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t, Options{
			Seed:          rapid.Uint64().Draw(t, "seed"),
			Chats:         rapid.IntRange(1, 80).Draw(t, "chats"),
			GroupMessages: rapid.IntRange(1, 30).Draw(t, "messages"),
		})
		at := defaultStart.Add(time.Duration(rapid.IntRange(0, 90*day).Draw(t, "later")) * time.Second)
		all := slices.Collect(s.Messages(at))
		require.Len(t, all, s.Totals(at).Messages)
		for i, m := range all {
			require.False(t, m.CreatedAt.After(at))
			require.True(t, i == 0 || m.CreatedAt.After(all[i-1].CreatedAt))
		}
		for _, m := range rapid.SliceOfN(rapid.SampledFrom(all), 1, 5).Draw(t, "some") {
			checkMass(t, s, m, at)
		}
	})
}

func checkMass(t *rapid.T, s *Sim, m Message, at time.Time) {
	_, made := s.Message(m.ID, m.CreatedAt.Add(-time.Second))
	require.False(t, made)
	again, made := s.Message(m.ID, at)
	require.True(t, made)
	require.Equal(t, m, again)
	require.NotEqual(t, []any{(*string)(nil), ""}, []any{m.Text, m.Attachments}, "a message says something")
	require.True(t, m.CreatedAt.Before(m.TasksAt))
	require.True(t, m.CancelledAt.IsZero() || m.TasksAt.Before(m.CancelledAt))
	end := m.CreatedAt.Add(messageLife * time.Second)
	tasks := s.Tasks(m.ID, at)
	require.NotEmpty(t, tasks)
	if m.CreateType == 1 {
		require.Len(t, tasks, 1)
		require.Equal(t, m.Creator, tasks[0].Sender)
	}
	known := map[string]bool{}
	for _, task := range tasks {
		require.False(t, known[task.Sender])
		known[task.Sender] = true
		staff, _ := s.stats.directory.staff(s.tenant, task.Sender, at.Unix())
		require.True(t, s.tenant.employed(staff, m.CreatedAt.Unix()))
		require.Equal(t, task.SentAt.IsZero(), task.Status == taskOpen)
		if !task.SentAt.IsZero() {
			require.True(t, s.tenant.employed(staff, task.SentAt.Unix()))
			require.True(t, task.SentAt.After(m.TasksAt) && !task.SentAt.After(at) && task.SentAt.Before(end))
			require.True(t, m.CancelledAt.IsZero() || task.SentAt.Before(m.CancelledAt))
		}
		results := s.Results(m.ID, task.Sender, at)
		require.NotNil(t, results)
		checkReceivers(t, s, m, staff, results)
		for _, one := range results {
			require.Equal(t, one.SentAt.IsZero(), one.Status != resultSent)
			require.True(t, task.Status != taskOpen || one.Status == resultOpen)
			require.True(t, one.SentAt.IsZero() || !one.SentAt.Before(task.SentAt) && !one.SentAt.After(at))
			if one.Status != resultOpen && one.ChatID != "" {
				require.Equal(t, one.Status == resultLost, !owns(s.tenant, staff, one.ChatID, task.SentAt.Unix()))
			}
		}
	}
	// Once it is over nothing changes.
	require.Equal(t, s.Tasks(m.ID, end), s.Tasks(m.ID, end.AddDate(1, 0, 0)))
	require.Equal(t, s.Results(m.ID, tasks[0].Sender, end), s.Results(m.ID, tasks[0].Sender, end.AddDate(1, 0, 0)))
}

// owns reports whether the chat is the person's at the instant.
func owns(t *tenant, staff int, id string, at int64) bool {
	chat, _ := t.chatNumber(id)
	owners, _ := t.tenures(nil, chat, at)
	return at < t.dissolved(chat) && owners[len(owners)-1].staff == staff
}

// checkReceivers compares whom a sender's message goes to with who was in which
// chats when it was made, chat by chat.
func checkReceivers(t *rapid.T, s *Sim, m Message, sender int, results []Result) {
	created := m.CreatedAt.Unix()
	var chats []string
	customers := map[string]bool{}
	for n := range s.tenant.chats.Count(max(created, s.tenant.start)) {
		if created < s.tenant.created(n) || created >= s.tenant.dissolved(n) {
			continue
		}
		owners, status := s.tenant.tenures(nil, n, created)
		if owners[len(owners)-1].staff != sender {
			continue
		}
		chats = append(chats, s.tenant.chatID(n))
		for _, p := range s.tenant.members(nil, n, owners, status, created) {
			if !p.staff {
				customers[s.tenant.externalID(p.person)] = true
			}
		}
	}
	var told []string
	for _, one := range results {
		if m.ChatType == chatTypeGroup {
			told = append(told, one.ChatID)
			continue
		}
		require.Empty(t, one.ChatID)
		require.True(t, customers[one.ExternalID])
		delete(customers, one.ExternalID) // none comes twice
	}
	if m.ChatType == chatTypeGroup {
		require.Equal(t, chats, told)
	}
}

// Receivers are the same whoever asks when, and in whatever order: what the register
// keeps of the past is dropped and made again.
func TestReceiversOfAllTimesAtOnce(t *testing.T) {
	t.Parallel()
	s := newSim(t, Options{Seed: 8, Chats: 60, GroupMessages: 2})
	now := s.Now()
	all := slices.Collect(s.Messages(now))
	reached := func(m Message) []Result { return s.Results(m.ID, s.Tasks(m.ID, now)[0].Sender, now) }
	want := map[string][]Result{}
	for _, m := range all {
		want[m.ID] = reached(m)
	}
	var wait sync.WaitGroup
	for worker := range 4 {
		wait.Go(func() {
			for i := range all {
				m := all[(i*97+worker*101)%len(all)] // 97 has no divisor in common with their number
				assert.Equal(t, want[m.ID], reached(m))
			}
		})
	}
	wait.Wait()
	require.Len(t, s.register.spans, spansMax)
	require.NotZero(t, len(all)%97)
}

func TestOneMonth(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		from, to string
		within   bool
	}{
		{"2026-11-01 00:00:00", "2026-12-01 00:00:00", true},
		{"2026-11-01 00:00:00", "2026-12-01 00:00:01", false},
		{"2026-10-15 12:00:00", "2026-11-15 12:00:00", true},
		{"2026-10-15 12:00:00", "2026-11-15 12:00:01", false},
		{"2026-02-03 00:00:00", "2026-03-03 00:00:00", true},
		{"2026-02-03 00:00:00", "2026-03-05 00:00:00", false}, // thirty days
		{"2026-01-31 08:00:00", "2026-02-28 08:00:00", true},
		{"2026-01-31 08:00:00", "2026-03-01 00:00:00", false},
		{"2026-11-01 00:00:00", "2026-11-01 00:00:00", true},
		{"2026-11-01 00:00:01", "2026-11-01 00:00:00", false},
	} {
		from, err := time.ParseInLocation(time.DateTime, c.from, chinaTime)
		require.NoError(t, err)
		to, err := time.ParseInLocation(time.DateTime, c.to, chinaTime)
		require.NoError(t, err)
		require.Equal(t, c.within, withinMonth(from.Unix(), to.Unix()), "%s to %s", c.from, c.to)
	}
	require.False(t, withinMonth(-1, 0))
	require.False(t, withinMonth(defaultStart.UnixMilli(), defaultStart.UnixMilli()+1000))
}

func TestRefusalsOfMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	from, to := c.ago(20).Unix(), c.ago(10).Unix()
	window := fmt.Sprintf(`"start_time":%d,"end_time":%d`, from, to)
	m := c.message(func(m Message) bool { return m.CreateType == 1 })
	sender := c.sim.Tasks(m.ID, c.sim.Now())[0].Sender
	idle := c.owners(100)
	idle = slices.DeleteFunc(idle, func(id string) bool { return c.sim.Results(m.ID, id, c.sim.Now()) != nil })
	for _, refused := range []struct {
		endpoint, body string
		code           int
	}{
		{EndpointMessages, `{"chat_type":"group"}`, codeEmptyParameter},
		{EndpointMessages, fmt.Sprintf(`{"chat_type":"group","start_time":%d}`, from), codeEmptyParameter},
		{EndpointMessages, fmt.Sprintf(`{"chat_type":"group","end_time":%d}`, to), codeEmptyParameter},
		{EndpointMessages, `{"chat_type":"all",` + window + `}`, codeBadArgument},
		{EndpointMessages, `{"filter_type":3,` + window + `}`, codeBadArgument},
		{EndpointMessages, `{"limit":-1,` + window + `}`, codeBadRequest},
		{EndpointMessages, `{"cursor":"made-up",` + window + `}`, codeBadArgument},
		{EndpointMessages, `{"creator":"nobody",` + window + `}`, codeBadUserID},
		{EndpointMessages, fmt.Sprintf(`{"start_time":%d,"end_time":%d}`, to, from), codeBadTime},
		{EndpointMessages, fmt.Sprintf(`{"start_time":%d,"end_time":%d}`, to-32*day, to), codeBadTime},
		{EndpointMessages, fmt.Sprintf(`{"start_time":%d000,"end_time":%d000}`, from, to), codeBadTime},
		{EndpointTasks, `{}`, codeNoMessageID},
		{EndpointTasks, `{"msgid":"msgTest0001"}`, codeBadMessageID},
		{EndpointTasks, `{"msgid":"` + c.sim.tenant.massID(1<<40) + `"}`, codeBadMessageID},
		{EndpointTasks, `{"msgid":"` + m.ID + `","limit":-5}`, codeBadRequest},
		{EndpointTasks, `{"msgid":"` + m.ID + `","cursor":"x"}`, codeBadArgument},
		{EndpointResults, `{"userid":"` + sender + `"}`, codeNoMessageID},
		{EndpointResults, `{"msgid":"msgTest0001","userid":"` + sender + `"}`, codeBadMessageID},
		{EndpointResults, `{"msgid":"` + m.ID + `"}`, codeEmptyParameter},
		{EndpointResults, `{"msgid":"` + m.ID + `","userid":"nobody"}`, codeBadUserID},
		{EndpointResults, `{"msgid":"` + m.ID + `","userid":"` + idle[0] + `"}`, codeBadUserID},
	} {
		checkRefused(t, c.mass(refused.endpoint, refused.body).answer, refused.code)
	}
	for _, endpoint := range []string{EndpointMessages, EndpointTasks, EndpointResults} {
		for _, body := range []string{
			`{"chat_type":7}`, `{"msgid":7}`, `{"offset":0}`, `{"limit":"50"}`, `[]`, `x`,
		} {
			got := c.mass(endpoint, body)
			require.Equal(t, codeBadRequest, got.Errcode, body)
			require.Contains(t, got.Errmsg, wrongJSON)
		}
		checkRefused(t, c.mass(endpoint, "").answer, codeEmptyParameter)
		checkRefused(t, c.parse(c.raw(http.MethodGet, c.path(endpoint), "")), codeBadRequest)
		require.Zero(t, c.sim.Calls()[endpoint].Codes[codeOK])
	}
	got := c.mass(EndpointResults, `{"msgid":"`+m.ID+`","userid":"`+sender+`"}`)
	require.Zero(t, got.Errcode, got.Errmsg)
}

// message is the oldest message with tasks that can be read and is as wanted.
func (c *client) message(wanted func(Message) bool) Message {
	now := c.sim.Now()
	for m := range c.sim.Messages(now) {
		if m.CancelledAt.IsZero() && !m.TasksAt.After(now) && wanted(m) {
			return m
		}
	}
	require.Fail(c.t, "there is no such message")
	return Message{}
}

func TestErrorsHaveEmptyLists(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	for endpoint, list := range map[string]string{
		EndpointMessages: "group_msg_list", EndpointTasks: "task_list", EndpointResults: "send_list",
	} {
		require.Contains(t, string(c.raw(http.MethodPost, c.path(endpoint), `{}`)), `,"`+list+`":[]}`)
	}
}

// A limit above the most is none at all: the page has the usual size.
func TestLimitsOfMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{GroupMessages: 100, Owners: 2, Chats: 1500})
	window := fmt.Sprintf(`"chat_type":"group","start_time":%d,"end_time":%d`, c.ago(20).Unix(), c.ago(10).Unix())
	for limit, want := range map[string]int{
		``: 50, `,"limit":0`: 50, `,"limit":1`: 1, `,"limit":100`: 100, `,"limit":101`: 50, `,"limit":1000`: 50,
	} {
		require.Len(t, c.mass(EndpointMessages, `{`+window+limit+`}`).Messages, want, limit)
	}
	m := c.message(func(m Message) bool {
		return m.ChatType == "group" && len(c.sim.Results(m.ID, c.sim.Tasks(m.ID, c.sim.Now())[0].Sender, c.sim.Now())) > 500
	})
	asking := `{"msgid":"` + m.ID + `","userid":"` + c.sim.Tasks(m.ID, c.sim.Now())[0].Sender + `"`
	all := len(c.sim.Results(m.ID, c.sim.Tasks(m.ID, c.sim.Now())[0].Sender, c.sim.Now()))
	for limit, want := range map[string]int{
		``: 500, `,"limit":501`: 501, `,"limit":1000`: min(1000, all), `,"limit":1001`: 500,
	} {
		require.Len(t, c.mass(EndpointResults, asking+limit+`}`).Sends, want, limit)
	}
}

func TestFiltersOfMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 2})
	from, to := c.ago(28), c.ago(0)
	creators := append(c.owners(3), "")
	found := 0
	for _, chatType := range []string{"", "single", "group"} {
		for _, filter := range []int{-1, 0, 1, 2} {
			for _, creator := range creators {
				params := map[string]any{"start_time": from.Unix(), "end_time": to.Unix(), "limit": 100, "creator": creator}
				if chatType != "" {
					params["chat_type"] = chatType
				}
				if filter >= 0 {
					params["filter_type"] = filter
				}
				var want, got []string
				for m := range c.sim.Messages(c.sim.Now()) {
					kind := chatType == m.ChatType || chatType == "" && m.ChatType == "single"
					by := creator == "" || creator == m.Creator
					if kind && by && (filter < 0 || filter == 2 || filter == m.CreateType) &&
						!m.CreatedAt.Before(from) && !m.CreatedAt.After(to) {
						want = append(want, m.ID)
					}
				}
				for _, m := range c.all(EndpointMessages, params).Messages {
					got = append(got, m.ID)
				}
				require.Equal(t, want, got, "%v", params)
				found += len(got)
			}
		}
	}
	require.Greater(t, found, 500)
}

// Both ends of a window belong to it.
func TestEndsOfAWindow(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	m := c.message(func(m Message) bool { return m.ChatType == "group" })
	at := m.CreatedAt.Unix()
	count := func(from, to int64) int {
		return len(c.mass(EndpointMessages, fmt.Sprintf(`{"chat_type":"group","start_time":%d,"end_time":%d}`, from, to)).Messages)
	}
	require.Equal(t, []int{1, 1, 1, 0, 0}, []int{
		count(at, at), count(at-5, at), count(at, at+5), count(at-5, at-1), count(at+1, at+5),
	})
}

func TestCursorsOfMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 6})
	window := fmt.Sprintf(`"start_time":%d,"end_time":%d`, c.ago(20).Unix(), c.ago(10).Unix())
	list := c.mass(EndpointMessages, `{"chat_type":"group","limit":2,`+window+`}`)
	m := c.message(func(m Message) bool { return len(c.sim.Tasks(m.ID, c.sim.Now())) > 2 })
	tasks := c.mass(EndpointTasks, `{"limit":1,"msgid":"`+m.ID+`"}`)
	sender, second := tasks.Tasks[0].UserID, c.sim.Tasks(m.ID, c.sim.Now())[1].Sender
	results := c.mass(EndpointResults, `{"limit":2,"msgid":"`+m.ID+`","userid":"`+sender+`"}`)
	for _, asked := range []struct{ endpoint, cursor, good, bad string }{
		{EndpointMessages, *list.NextCursor, `"chat_type":"group","limit":2,` + window, `"chat_type":"single","limit":2,` + window},
		{EndpointMessages, *list.NextCursor, `"chat_type":"group","limit":2,"filter_type":2,` + window, `"chat_type":"group","limit":3,` + window},
		{EndpointTasks, *tasks.NextCursor, `"limit":1,"msgid":"` + m.ID + `"`, `"limit":2,"msgid":"` + m.ID + `"`},
		{
			EndpointResults, *results.NextCursor, `"limit":2,"msgid":"` + m.ID + `","userid":"` + sender + `"`,
			`"limit":2,"msgid":"` + m.ID + `","userid":"` + second + `"`,
		},
	} {
		cursor := `,"cursor":"` + asked.cursor + `"}`
		require.Zero(t, c.mass(asked.endpoint, `{`+asked.good+cursor).Errcode)
		checkRefused(t, c.mass(asked.endpoint, `{`+asked.bad+cursor).answer, codeBadArgument)
	}
	checkRefused(t, c.mass(EndpointTasks, `{"limit":1,"msgid":"`+m.ID+`","cursor":"`+*results.NextCursor+`"}`).answer, codeBadArgument)
}

// Tasks cannot be read while the message is being dispatched nor once it is
// cancelled, and the list has it all the while.
func TestLifeOfAMassMessage(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 3, GroupMessages: 50})
	begin := c.sim.Now()
	var m Message
	for one := range c.sim.Messages(begin.AddDate(0, 0, 20)) {
		if m.ID == "" && one.ChatType == "group" && one.CreatedAt.After(begin) && !one.CancelledAt.IsZero() {
			m = one
		}
	}
	require.NotEmpty(t, m.ID)
	sender := c.sim.Tasks(m.ID, m.CreatedAt)[0].Sender
	codes := func(at time.Time) [3]int {
		c.advance(at.Sub(c.sim.Now()))
		c.login()
		window := fmt.Sprintf(`"start_time":%d,"end_time":%d`, m.CreatedAt.Unix(), m.CreatedAt.Unix()+day)
		found := 0
		for _, row := range c.all(EndpointMessages, jsonParams(t, `{"chat_type":"group","limit":100,`+window+`}`)).Messages {
			if row.ID == m.ID {
				found++
			}
		}
		return [3]int{
			found,
			c.mass(EndpointTasks, `{"msgid":"`+m.ID+`"}`).Errcode,
			c.mass(EndpointResults, `{"msgid":"`+m.ID+`","userid":"`+sender+`"}`).Errcode,
		}
	}
	require.Equal(t, [3]int{0, codeBadMessageID, codeBadMessageID}, codes(m.CreatedAt.Add(-time.Second)))
	require.Equal(t, [3]int{1, codeDispatching, codeDispatching}, codes(m.CreatedAt))
	require.Equal(t, [3]int{1, codeDispatching, codeDispatching}, codes(m.TasksAt.Add(-time.Second)))
	require.Equal(t, [3]int{1, 0, 0}, codes(m.TasksAt))
	require.Equal(t, [3]int{1, 0, 0}, codes(m.CancelledAt.Add(-time.Second)))
	require.Equal(t, [3]int{1, codeCancelled, codeCancelled}, codes(m.CancelledAt))
}

func jsonParams(t *testing.T, body string) map[string]any {
	t.Helper()
	var params map[string]any
	require.NoError(t, json.Unmarshal([]byte(body), &params))
	params["limit"] = int(params["limit"].(float64))
	return params
}

// A window that is not over grows at its end while it is being read.
func TestListOfMessagesGoesOnWhileTheClockMoves(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{GroupMessages: 40})
	from := c.sim.Now().AddDate(0, 0, -3)
	params := fmt.Sprintf(`{"chat_type":"group","limit":9,"start_time":%d,"end_time":%d,"cursor":"`, from.Unix(), from.AddDate(0, 0, 28).Unix())
	var got, want []string
	for cursor := ""; ; {
		page := c.mass(EndpointMessages, params+cursor+`"}`)
		require.Zero(t, page.Errcode, page.Errmsg)
		for _, row := range page.Messages {
			got = append(got, row.ID)
		}
		if page.NextCursor == nil || *page.NextCursor == "" {
			break
		}
		cursor = *page.NextCursor
		c.advance(2 * time.Hour)
		c.login()
	}
	for m := range c.sim.Messages(c.sim.Now()) {
		if m.ChatType == "group" && !m.CreatedAt.Before(from) {
			want = append(want, m.ID)
		}
	}
	require.Equal(t, want, got)
}

func TestResignedSenders(t *testing.T) {
	t.Parallel()
	for rule, code := range map[ResignedRule]int{ResignedUnfiltered: codeBadUserID, ResignedFiltered: codeOK} {
		c := newClient(t, Options{Seed: 1, Chats: 600, Owners: 60, Resigned: rule})
		c.advance(30 * 24 * time.Hour)
		c.login()
		gone := func(id string) bool { return !slices.Contains(c.sim.FollowUsers(c.sim.Now()), id) }
		var left string
		m := c.message(func(m Message) bool {
			tasks := c.sim.Tasks(m.ID, c.sim.Now())
			i := slices.IndexFunc(tasks, func(one Task) bool { return gone(one.Sender) })
			if i >= 0 {
				left = tasks[i].Sender
			}
			return i >= 0
		})
		require.Contains(t, c.mass(EndpointTasks, `{"msgid":"`+m.ID+`"}`).senders(), left)
		require.Equal(t, code, c.mass(EndpointResults, `{"msgid":"`+m.ID+`","userid":"`+left+`"}`).Errcode)
		window := fmt.Sprintf(`"start_time":%d,"end_time":%d`, c.ago(20).Unix(), c.ago(10).Unix())
		require.Equal(t, code, c.mass(EndpointMessages, `{"creator":"`+left+`",`+window+`}`).Errcode)
	}
}

func (a massAnswer) senders() (ids []string) {
	for _, one := range a.Tasks {
		ids = append(ids, one.UserID)
	}
	return ids
}

func TestNoMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{GroupMessages: -1})
	window := fmt.Sprintf(`"start_time":%d,"end_time":%d`, c.ago(20).Unix(), c.ago(-5).Unix())
	got := c.mass(EndpointMessages, `{"chat_type":"group",`+window+`}`)
	require.Zero(t, got.Errcode, got.Errmsg)
	require.Empty(t, got.Messages)
	require.Empty(t, slices.Collect(c.sim.Messages(c.sim.Now())))
	checkRefused(t, c.mass(EndpointTasks, `{"msgid":"`+c.sim.tenant.massID(0)+`"}`).answer, codeBadMessageID)
}

func TestOddMassMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Odd: true, GroupMessages: 60})
	now := c.sim.Now()
	all, short := "", false
	say := func(endpoint, body string) string {
		raw := c.raw(http.MethodPost, c.path(endpoint), body)
		require.True(t, json.Valid(raw), "%s", raw)
		all += string(raw)
		return string(raw)
	}
	for limit := 20; limit <= 100; limit++ {
		raw := say(EndpointMessages, fmt.Sprintf(`{"chat_type":"group","limit":%d,"start_time":%d,"end_time":%d}`,
			limit, c.ago(limit+10).Unix(), c.ago(limit).Unix()))
		var page struct {
			Messages []json.RawMessage `json:"group_msg_list"`
			Next     string            `json:"next_cursor"`
		}
		require.NoError(t, json.Unmarshal([]byte(raw), &page))
		short = short || page.Next != "" && len(page.Messages) < limit
	}
	require.True(t, short, "a page has a cursor though it is not full")
	n := 0
	for m := range c.sim.Messages(now) {
		if n++; n > 300 {
			break
		}
		say(EndpointTasks, `{"msgid":"`+m.ID+`"}`)
		for _, task := range c.sim.Tasks(m.ID, now) {
			say(EndpointResults, `{"limit":100,"msgid":"`+m.ID+`","userid":"`+task.Sender+`"}`)
		}
	}
	for _, shape := range []string{
		`"create_time":"`, `"create_type":"`, `"creator":null`, `"text":null`, `"attachments":null`, `"send_scope":`,
		`"msgtype":"channels"`, `\u0000`, `"send_time":null`, `"send_time":"`, `"status":"1"`, `"device":`, `"status":3,"send_time"`,
	} {
		require.True(t, strings.Contains(all, shape), "no %s in %d bytes", shape, len(all)) //nolint:testifylint // they are too many to print
	}
}

func TestControlOfMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 4})
	c.advance(100 * 24 * time.Hour)
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/_sim/messages", http.NoBody))
	require.Equal(t, http.StatusOK, w.Code)
	var told []struct {
		ID          string     `json:"msgid"`
		CancelledAt *time.Time `json:"cancelled_at"`
		Tasks       []struct {
			Sender string     `json:"userid"`
			Status int        `json:"status"`
			SentAt *time.Time `json:"sent_at"`
		} `json:"tasks"`
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &told))
	require.Greater(t, len(told), 150)
	require.Less(t, len(told), 200)
	for _, m := range told {
		want, made := c.sim.Message(m.ID, c.sim.Now())
		require.True(t, made)
		require.Equal(t, want.CancelledAt.IsZero(), m.CancelledAt == nil)
		tasks := c.sim.Tasks(m.ID, c.sim.Now())
		require.Len(t, m.Tasks, len(tasks))
		for i, task := range m.Tasks {
			require.Equal(t, []any{tasks[i].Sender, tasks[i].Status}, []any{task.Sender, task.Status})
			require.Equal(t, tasks[i].SentAt.IsZero(), task.SentAt == nil)
		}
	}
}
