package wecom

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// liLeis is whose results the tests ask for.
var liLeis = sender{"msgTest0001", "li.lei"}

// withMessages asks for the streams of mass messages and join ways.
func withMessages(o *Options) {
	o.Messages, o.JoinWays = new(MessageOptions), new(JoinWayOptions)
}

// specsByName are those of a client, and its streams in order.
func specsByName(c *Client) (specs map[string]model.StreamSpec, names []string) {
	specs = map[string]model.StreamSpec{}
	for _, s := range c.Specs() {
		specs[s.Name], names = s, append(names, s.Name)
	}
	return specs, names
}

func TestSpecsOfMessages(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid", withMessages, func(o *Options) {
		o.JoinWays.ConfigIDs = []string{"b", "a", "b"}
	})
	specs, names := specsByName(c)
	require.Equal(t, []string{
		"owners", "chats", "members", "owner_stats", "daily_stats",
		"group_messages", "group_message_tasks", "group_message_results", "join_ways",
	}, names)
	require.Equal(t, model.StreamSpec{
		Name: "group_messages", Shape: model.ShapeList, Concurrency: 4, CursorTTL: time.Hour, DriftRepeats: 2,
		Scope:    json.RawMessage(`{"chat_types":["group"],"backfill":"720h0m0s"}`),
		Subjects: []model.Subject{{Name: "group", Lane: "group", Params: json.RawMessage(`{"chat_type":"group","filter_type":2,"limit":100}`)}},
		Bounds: &model.BoundsSpec{
			Margin: time.Minute, FromWatermark: true, Overlap: 72 * time.Hour, Reach: 720 * time.Hour,
			SpanMax: 28*24*time.Hour - 3*time.Second,
		},
	}, specs["group_messages"])
	require.Equal(t, model.StreamSpec{
		Name: "group_message_tasks", Shape: model.ShapeDetail, Needs: []string{"group_messages"}, Concurrency: 4,
		CursorTTL: time.Hour, Params: json.RawMessage(`{"limit":1000}`), Scope: json.RawMessage(`{}`),
		Follow: &model.Follow{For: 168 * time.Hour, Min: 50 * time.Minute, Reach: 720 * time.Hour},
	}, specs["group_message_tasks"])
	require.Equal(t, model.StreamSpec{
		Name: "group_message_results", Shape: model.ShapeDetail, Needs: []string{"group_message_tasks"}, Concurrency: 4,
		CursorTTL: time.Hour, Params: json.RawMessage(`{"limit":1000}`), Scope: json.RawMessage(`{}`),
		Follow: &model.Follow{For: 168 * time.Hour, Min: 50 * time.Minute, Reach: 720 * time.Hour},
	}, specs["group_message_results"])
	require.Equal(t, model.StreamSpec{
		Name: "join_ways", Shape: model.ShapeDetail, Concurrency: 4, MaxAge: 23 * time.Hour, Items: []string{"a", "b"},
		Params: json.RawMessage(`{}`), Scope: json.RawMessage(`{}`),
	}, specs["join_ways"])
}

func TestSpecsOfMessagesAsConfigured(t *testing.T) {
	t.Parallel()
	kinds := []string{ChatSingle, ChatGroup, ChatSingle}
	c := testClient(t, "http://vendor.invalid", func(o *Options) {
		o.OwnerIDs = []string{"li.lei"}
		o.Messages = &MessageOptions{ChatTypes: kinds, Backfill: 72 * time.Hour, TasksFor: time.Hour, ResultsFor: 2 * time.Hour}
	})
	require.Equal(t, []string{ChatSingle, ChatGroup, ChatSingle}, kinds, "the caller's slice is left alone")
	specs, names := specsByName(c)
	require.NotContains(t, names, "join_ways", "nobody has asked for it")
	list := specs["group_messages"]
	require.Equal(t, 72*time.Hour, list.Bounds.Reach)
	require.Len(t, list.Subjects, 2)
	require.Equal(t, "group", list.Subjects[0].Name)
	require.Equal(t, "single", list.Subjects[1].Name)
	require.Equal(t, "single", list.LaneOf("single@2026-11-01T00:00:00Z"))
	require.JSONEq(t, `{"chat_type":"single","filter_type":2,"limit":100}`, string(list.Subjects[1].Params))
	require.Equal(t, time.Hour, specs["group_message_tasks"].Follow.For)
	require.Equal(t, 2*time.Hour, specs["group_message_results"].Follow.For)
	require.JSONEq(t, `{"owner_ids":["li.lei"],"limit":1000}`, string(specs["group_message_tasks"].Params))
}

func TestNewRefusesMessages(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(*Options){
		"chat type":  func(o *Options) { o.Messages = &MessageOptions{ChatTypes: []string{"room"}} },
		"backfill":   func(o *Options) { o.Messages = &MessageOptions{Backfill: -time.Hour} },
		"tasks":      func(o *Options) { o.Messages = &MessageOptions{TasksFor: -time.Hour} },
		"results":    func(o *Options) { o.Messages = &MessageOptions{ResultsFor: -time.Hour} },
		"config ids": func(o *Options) { o.JoinWays = &JoinWayOptions{ConfigIDs: []string{""}} },
	} {
		opts := Options{Source: "acme", BaseURL: "https://vendor", CorpID: testCorp, Secret: testSecret}
		change(&opts)
		_, err := New(opts)
		require.Error(t, err, name)
	}
}

// TestSpansFitTheVendor: however far back a pass reaches, every request of it is at
// most 28 days, both ends are inside of one, and nothing lies between two of them.
func TestSpansFitTheVendor(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		b := model.BoundsSpec{Margin: messageMargin, FromWatermark: true, Overlap: messageOverlap, SpanMax: messageSpanMax}
		b.Reach = time.Duration(rapid.Int64Range(int64(time.Hour), int64(180*24*time.Hour)).Draw(t, "reach"))
		started := time.Unix(0, rapid.Int64Range(1.6e18, 1.9e18).Draw(t, "started"))
		var mark time.Time
		if rapid.Bool().Draw(t, "again") {
			mark = started.Add(-time.Duration(rapid.Int64Range(0, int64(200*24*time.Hour)).Draw(t, "ago")))
		}
		_, spans := b.Spans(ChatGroup, mark, started)
		require.NotEmpty(t, spans)
		for i, span := range spans {
			start, end := period(span)
			require.LessOrEqual(t, end-start, int64(28*24*60*60))
			require.Less(t, start, span.After.Unix())
			require.Greater(t, time.Unix(end, 0), span.Until)
			require.Less(t, time.Unix(end, 0), started)
			if i > 0 {
				before, _ := period(spans[i-1])
				_, until := period(spans[i-1])
				require.Less(t, before, start)
				require.Greater(t, until, start, "a message between two requests")
			}
			// A chain that was stored has no more than microseconds.
			stored := model.Bounds{After: span.After.Truncate(time.Microsecond), Until: span.Until.Truncate(time.Microsecond)}
			again, end2 := period(stored)
			require.Equal(t, [2]int64{start, end}, [2]int64{again, end2})
		}
	})
}

// TestSubjectsOfResults: whatever the id of a message holds, it is told from its
// sender again.
func TestSubjectsOfResults(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := sender{
			rapid.StringN(1, 40, -1).Draw(t, "message"),
			rapid.StringMatching(`[0-9A-Za-z][0-9A-Za-z_.@-]{0,63}`).Draw(t, "user"),
		}
		got, ok := senderOf(s.subject())
		require.True(t, ok)
		require.Equal(t, s, got)
	})
	for _, subject := range []string{"", "msg", "/li.lei", "msg/", "/"} {
		_, ok := senderOf(subject)
		require.False(t, ok, subject)
	}
}

// chainOf is a chain of a stream with the params of its spec.
func chainOf(c *Client, stream, subject string) model.Chain {
	specs, _ := specsByName(c)
	chain := model.Chain{Source: "acme", Stream: stream, Subject: subject, Params: specs[stream].Params}
	if spec := specs[stream]; spec.Subjects != nil {
		chain.Params = spec.ParamsOf(chain)
		chain.Bounds = model.Bounds{After: time.Unix(1717200000, 0), Until: time.Unix(1717900000, 999)}
	}
	return chain
}

func TestRequestsOfMessages(t *testing.T) {
	t.Parallel()
	var got []string
	answers := map[string]string{
		endpointMessages: sample(t, "messages/first.json"),
		endpointTasks:    sample(t, "tasks/last.json"),
		endpointResults:  sample(t, "results/group.json"),
		endpointJoinWay:  sample(t, "joinways/full.json"),
	}
	v := &vendor{answer: func(_ int32, _ string, r *http.Request) string {
		body, _ := io.ReadAll(r.Body)
		path := strings.TrimPrefix(r.URL.Path, "/cgi-bin/externalcontact/")
		got = append(got, r.Method+" "+path+" "+string(body))
		return answers[path]
	}}
	c := serve(t, v, withMessages, func(o *Options) { o.OwnerIDs = []string{"li.lei"} })
	specs, _ := specsByName(c)
	require.Equal(t, specs["group_messages"].Subjects[0].Params, chainOf(c, "group_messages", "group").Params)

	list, err := c.Page(t.Context(), chainOf(c, "group_messages", "group"), "")
	require.NoError(t, err)
	require.Len(t, list.GroupMessages, 2)
	require.Equal(t, "gm-c1", list.Next)
	require.Equal(t, 1, list.Calls)
	require.False(t, list.RequestedAt.IsZero())
	_, err = c.Page(t.Context(), chainOf(c, "group_messages", "group@2024-06-01T00:00:00Z"), "gm-c1")
	require.NoError(t, err)
	tasks, err := c.Page(t.Context(), chainOf(c, "group_message_tasks", "msgTest0001"), "")
	require.NoError(t, err)
	require.Len(t, tasks.MessageTasks, 1, "han.mei is not among the configured owners")
	require.Equal(t, "li.lei", tasks.MessageTasks[0].UserID)
	_, err = c.Page(t.Context(), chainOf(c, "group_message_tasks", "msg/1"), "t-c1")
	require.NoError(t, err)
	results, err := c.Page(t.Context(), chainOf(c, "group_message_results", "msg/1/li.lei"), "")
	require.NoError(t, err)
	require.Len(t, results.MessageResults, 3)
	require.Equal(t, "msg/1", results.MessageResults[0].MessageID)
	_, err = c.Page(t.Context(), chainOf(c, "group_message_results", "msg/1/li.lei"), "s-c1")
	require.NoError(t, err)
	ways, err := c.Page(t.Context(), chainOf(c, "join_ways", "9ad7fa5cdaa65112aaaaaaaaaaaaaaaa"), "")
	require.NoError(t, err)
	require.Len(t, ways.JoinWays, 1)

	require.Equal(t, []string{
		`POST get_groupmsg_list_v2 {"chat_type":"group","start_time":1717199999,"end_time":1717900001,"filter_type":2,"limit":100}`,
		`POST get_groupmsg_list_v2 {"chat_type":"group","start_time":1717199999,"end_time":1717900001,"filter_type":2,"limit":100,"cursor":"gm-c1"}`,
		`POST get_groupmsg_task {"msgid":"msgTest0001","limit":1000}`,
		`POST get_groupmsg_task {"msgid":"msg/1","limit":1000,"cursor":"t-c1"}`,
		`POST get_groupmsg_send_result {"msgid":"msg/1","userid":"li.lei","limit":1000}`,
		`POST get_groupmsg_send_result {"msgid":"msg/1","userid":"li.lei","limit":1000,"cursor":"s-c1"}`,
		`POST groupchat/get_join_way {"config_id":"9ad7fa5cdaa65112aaaaaaaaaaaaaaaa"}`,
	}, got)
	for _, stream := range []string{"group_messages", "group_message_tasks", "group_message_results", "join_ways"} {
		require.Contains(t, answers, c.Endpoint(stream, ""), stream)
	}
}

// A chain that cannot be asked for reaches no vendor.
func TestUnaskableMessages(t *testing.T) {
	t.Parallel()
	c := testClient(t, "http://vendor.invalid", withMessages)
	boundless := chainOf(c, "group_messages", "group")
	boundless.Bounds = model.Bounds{}
	unbegun := chainOf(c, "group_messages", "group")
	unbegun.Bounds.After = time.Time{}
	for name, chain := range map[string]model.Chain{
		"no bounds":         boundless,
		"no beginning":      unbegun,
		"messages, params":  {Stream: "group_messages"},
		"tasks, params":     {Stream: "group_message_tasks", Subject: "m"},
		"results, params":   {Stream: "group_message_results", Subject: "m/u"},
		"no sender":         chainOf(c, "group_message_results", "msgTest0001"),
		"an empty sender":   chainOf(c, "group_message_results", "msgTest0001/"),
		"no message at all": chainOf(c, "group_message_results", "/li.lei"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := c.Page(t.Context(), chain, "")
			require.Equal(t, fetch.ClassUnknown, asError(t, err).Class)
		})
	}
}

func TestVerdictOnMessages(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		stream, subject, cursor string
		code                    int
		class                   fetch.Class
	}{
		"list, no right":          {"group_messages", "group", "", 48002, fetch.ClassDenied},
		"list, time not told":     {"group_messages", "group", "", 600018, fetch.ClassOutside},
		"list, dead cursor":       {"group_messages", "group", "gm-c1", 40058, fetch.ClassCursorGone},
		"list, bad credential":    {"group_messages", "group", "", 60020, fetch.ClassAuth},
		"tasks, too early":        {"group_message_tasks", "m", "", 41063, fetch.ClassNotReady},
		"tasks, too early, later": {"group_message_tasks", "m", "t-c1", 41063, fetch.ClassNotReady},
		"tasks, cancelled":        {"group_message_tasks", "m", "", 41093, fetch.ClassGone},
		"tasks, no such message":  {"group_message_tasks", "m", "", 41047, fetch.ClassGone},
		"tasks, dead cursor":      {"group_message_tasks", "m", "t-c1", 40035, fetch.ClassCursorGone},
		"results, too early":      {"group_message_results", "m/u", "", 41063, fetch.ClassNotReady},
		"results, cancelled":      {"group_message_results", "m/u", "s-c1", 41093, fetch.ClassGone},
		"results, resigned":       {"group_message_results", "m/u", "", 40003, fetch.ClassGone},
		"results, out of sight":   {"group_message_results", "m/u", "", 60011, fetch.ClassDenied},
		"join way, deleted":       {"join_ways", "cfg", "", 41044, fetch.ClassGone},
		"join way, no right":      {"join_ways", "cfg", "", 48002, fetch.ClassDenied},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &vendor{answer: func(int32, string, *http.Request) string {
				return strings.Replace(failure(tc.code), "{", `{"group_msg_list":[],"task_list":[],"send_list":[],`, 1)
			}}
			c := serve(t, v, withMessages)
			page, err := c.Page(t.Context(), chainOf(c, tc.stream, tc.subject), tc.cursor)
			e := asError(t, err)
			require.Equal(t, tc.class, e.Class)
			require.Equal(t, c.Endpoint(tc.stream, ""), e.Endpoint)
			require.Equal(t, model.Page{Calls: 1}, page)
			require.EqualValues(t, 1, v.calls.Load())
		})
	}
}

// elements counts those of the list of an answer, whatever they are.
func elements(t *testing.T, body []byte) map[string]int {
	t.Helper()
	a, _, err := lenient.Decode[struct {
		Messages lenient.Elements[lenient.Text] `json:"group_msg_list"`
		Tasks    lenient.Elements[lenient.Text] `json:"task_list"`
		Results  lenient.Elements[lenient.Text] `json:"send_list"`
	}](body)
	require.NoError(t, err)
	return map[string]int{"messages": len(a.Messages.Items), "tasks": len(a.Tasks.Items), "results": len(a.Results.Items)}
}

// checkList: as checkRead, and every element is a row or set aside.
func checkList(t *testing.T, kind string, body []byte, out outcome, page model.Page, err error) {
	t.Helper()
	checkRead(t, out, page, err)
	if err == nil && out.code == 0 {
		require.Equal(t, elements(t, body)[kind], page.Rows()+len(page.Rejects))
	}
}

func FuzzMessages(f *testing.F) {
	seed(f, "messages")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readMessages(body, ChatGroup)
		checkList(t, "messages", body, out, page, err)
	})
}

func FuzzTasks(f *testing.F) {
	seed(f, "tasks")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readTasks(body, "msg/1", nil)
		checkList(t, "tasks", body, out, page, err)
		for _, task := range page.MessageTasks {
			require.Equal(t, "msg/1", task.MessageID)
		}
	})
}

func FuzzResults(f *testing.F) {
	seed(f, "results")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		out, page, err := c.readResults(body, liLeis)
		checkList(t, "results", body, out, page, err)
		for _, r := range page.MessageResults {
			require.Equal(t, liLeis.subject(), sender{r.MessageID, r.UserID}.subject())
		}
	})
}

func FuzzJoinWay(f *testing.F) {
	seed(f, "joinways")
	c := testClient(f, "http://vendor.invalid")
	f.Fuzz(func(t *testing.T, body []byte) {
		id := configIDOf(t, body)
		if !lenient.IsID(id) {
			id = "cfg1"
		}
		out, page, err := c.readJoinWay(body, id)
		checkRead(t, out, page, err)
		if err != nil || out.code != 0 {
			return
		}
		require.Len(t, page.JoinWays, 1)
		require.Equal(t, id, page.JoinWays[0].ID)
	})
}
