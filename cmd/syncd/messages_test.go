package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
)

// massTenant has some hundred mass messages within 30 days.
var massTenant = vendorsim.Options{
	Seed: 21, Chats: 80, Owners: 8, MeanMembers: 6, MaxMembers: 30, GroupMessages: 6, Resigned: vendorsim.ResignedFiltered,
}

// massSite is a site with mass messages and join ways, and without statistics.
type massSite struct {
	*statSite
	// foreign is a join way that does not exist.
	foreign string
}

func newMassSite(tb testing.TB, o vendorsim.Options) *massSite {
	tb.Helper()
	s := &massSite{
		statSite: &statSite{site: newSite(tb, o), began: time.Now(), clock: filepath.Join(tb.TempDir(), "clock")},
		foreign:  foreignWay,
	}
	s.env[clockFile] = s.clock
	s.masses = true
	s.configureWays()
	s.setClock()
	s.okNow("migrate", "up")
	return s
}

// configureWays names every other join way in the configuration, and one that does
// not exist; the others are told to the database.
func (s *massSite) configureWays() {
	s.t.Helper()
	ids, told := []string{s.foreign}, []string{}
	for way := range s.sim.JoinWays(s.sim.Now()) {
		if len(ids) <= len(told) {
			ids = append(ids, way.ID)
		} else {
			told = append(told, way.ID)
		}
	}
	s.configure(s.vendor.URL, "")
	text, err := os.ReadFile(s.config)
	require.NoError(s.t, err)
	list := "join_ways: {enabled: true, config_ids: [" + strings.Join(ids, ", ") + "]}"
	require.Contains(s.t, string(text), "join_ways: {enabled: true}")
	require.NoError(s.t, os.WriteFile(s.config, []byte(strings.Replace(string(text), "join_ways: {enabled: true}", list, 1)), 0o600))
	_, err = s.pool.Exec(s.t.Context(),
		"insert into groupchat.join_way_wanted (source, config_id) select 'acme', unnest($1::text[]) on conflict do nothing", told)
	require.NoError(s.t, err)
}

func (s *massSite) okNow(args ...string) result {
	s.t.Helper()
	r := s.runOn(s.now, args...)
	require.Equal(s.t, exitOK, r.code, r)
	return r
}

// massStreams are the streams that this is about.
var massStreams = []string{
	"sync", "acme/group_messages", "acme/group_message_tasks", "acme/group_message_results", "acme/join_ways",
}

// reach is all that is told about one mass message, as text, receivers by sender and
// receiver.
type reach struct {
	Message string
	Tasks   map[string]string
	Results map[string]string
}

func unixText(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return fmt.Sprint(at.Unix())
}

func textOf(s *string) string {
	if s == nil {
		return "-"
	}
	return asStored(*s)
}

// toldBy is what the simulator tells about one message. Nothing more is to be known
// of one that was cancelled.
func (s *massSite) toldBy(m vendorsim.Message) reach {
	now := s.sim.Now()
	creator := m.Creator
	if creator == "" {
		creator = "-"
	}
	r := reach{
		Message: fmt.Sprint(m.ChatType, " ", creator, " ", m.CreateType, " ", unixText(m.CreatedAt), " ", textOf(m.Text), " ", m.Attachments != ""),
		Tasks:   map[string]string{}, Results: map[string]string{},
	}
	if !m.CancelledAt.IsZero() || m.TasksAt.After(now) {
		return r
	}
	for _, task := range s.sim.Tasks(m.ID, now) {
		r.Tasks[task.Sender] = fmt.Sprint(task.Status, " ", unixText(task.SentAt))
		for _, one := range s.sim.Results(m.ID, task.Sender, now) {
			r.Results[task.Sender+" "+one.ChatID+one.ExternalID] = fmt.Sprint(one.Status, " ", unixText(one.SentAt))
		}
	}
	return r
}

const unixColumn = `coalesce(extract(epoch from %s)::bigint::text, '-')`

// storedReach is what the tables tell about each message.
func (s *massSite) storedReach() map[string]reach {
	s.t.Helper()
	all := map[string]reach{}
	for _, r := range rowsOf[struct{ ID, Kind, Creator, Type, At, Content, Attached string }](s.site, `
		select msg_id, chat_type, coalesce(creator_id, '-'), coalesce(create_type::text, '-'), `+
		fmt.Sprintf(unixColumn, "created_at")+`, coalesce(content, '-'), (attachments is not null)::text
		  from groupchat.group_message`) {
		all[r.ID] = reach{
			Message: strings.Join([]string{r.Kind, r.Creator, r.Type, r.At, asStored(r.Content), r.Attached}, " "),
			Tasks:   map[string]string{}, Results: map[string]string{},
		}
	}
	for _, r := range rowsOf[struct{ ID, User, Row string }](s.site,
		`select msg_id, user_id, coalesce(status::text, '-') || ' ' || `+fmt.Sprintf(unixColumn, "sent_at")+` from groupchat.group_message_task`) {
		all[r.ID].Tasks[r.User] = r.Row
	}
	for _, r := range rowsOf[struct{ ID, Receiver, Row string }](s.site, `
		select msg_id, user_id || ' ' || chat_id || external_user_id, coalesce(status::text, '-') || ' ' || `+
		fmt.Sprintf(unixColumn, "sent_at")+` from groupchat.group_message_result`) {
		all[r.ID].Results[r.Receiver] = r.Row
	}
	return all
}

// between are the messages to chats that were made in some time.
func (s *massSite) between(from, until time.Time) map[string]vendorsim.Message {
	found := map[string]vendorsim.Message{}
	for m := range s.sim.Messages(s.sim.Now()) {
		if m.ChatType == "group" && m.CreatedAt.After(from) && m.CreatedAt.Before(until) {
			found[m.ID] = m
		}
	}
	return found
}

// reachIsRight compares every message of the last 30 days, and returns how many
// receivers have each status, and how many messages were cancelled.
func (s *massSite) reachIsRight() map[string]int {
	s.t.Helper()
	now := s.sim.Now()
	want := map[string]reach{}
	kinds := map[string]int{}
	for id, m := range s.between(now.AddDate(0, 0, -30), now.Add(-time.Minute)) {
		want[id] = s.toldBy(m)
		for _, row := range want[id].Results {
			kinds[row[:1]]++
		}
		if !m.CancelledAt.IsZero() {
			kinds["cancelled"]++
		}
	}
	require.NotEmpty(s.t, want)
	require.Empty(s.t, cmp.Diff(want, s.storedReach()))
	return kinds
}

// reachIsTheTruth is reachIsRight of a tenant that has messages of every kind.
func (s *massSite) reachIsTheTruth() {
	s.t.Helper()
	kinds := s.reachIsRight()
	for _, kind := range []string{"0", "1", "3", "cancelled"} {
		require.Positive(s.t, kinds[kind], "%s: %v", kind, kinds)
	}
}

// waysAreTheTruth compares every join way, and returns how many there are.
func (s *massSite) waysAreTheTruth() int {
	s.t.Helper()
	type way struct{ Scene, Remark, Auto, Base, Number, Chats, QRCode, State, Gone string }
	want, have := map[string]way{s.foreign: {Gone: "41044"}}, map[string]way{}
	for w := range s.sim.JoinWays(s.sim.Now()) {
		if !w.DeletedAt.IsZero() {
			want[w.ID] = way{Gone: "41044"}
			continue
		}
		told := way{
			Scene: fmt.Sprint(w.Scene), Remark: asStored(w.Remark), Auto: fmt.Sprint(w.AutoCreateRoom), Chats: strings.Join(w.ChatIDs, " "),
			QRCode: w.QRCode, State: w.State,
		}
		if w.AutoCreateRoom == 1 {
			told.Base, told.Number = asStored(w.RoomBaseName), fmt.Sprint(w.RoomBaseID)
		}
		want[w.ID] = told
	}
	for _, r := range rowsOf[struct {
		ID string
		way
	}](s.site, `select config_id, coalesce(scene::text, ''), coalesce(remark, ''), coalesce(auto_create_room::text, ''),
		       coalesce(room_base_name, ''), coalesce(room_base_id::text, ''), coalesce(array_to_string(chat_ids, ' '), ''),
		       coalesce(qr_code, ''), coalesce(state, ''), coalesce(gone_reason, '') from groupchat.join_way`) {
		r.Remark, r.Base = asStored(r.Remark), asStored(r.Base)
		if have[r.ID] = r.way; r.Gone != "" { // what it was before stays
			have[r.ID] = way{Gone: r.Gone}
		}
	}
	require.Empty(s.t, cmp.Diff(want, have, cmp.AllowUnexported(way{})))
	return len(want)
}

// The tables hold what the vendor tells, odd or not; what has not changed is not
// written again, also when everything is read again.
func TestMassMessagesAreTheVendorsTruth(t *testing.T) {
	t.Parallel()
	s := newMassSite(t, massTenant)
	leaks := newLeaks(testSecret)
	s.sim.SetScript(vendorsim.Script{OnRequest: func(_ context.Context, r vendorsim.Request) vendorsim.Verdict {
		if token := r.URL.Query().Get("access_token"); token != "" {
			leaks.add("token", token)
		}
		return vendorsim.Verdict{}
	}})
	first := s.okNow(massStreams...)
	s.reachIsTheTruth()
	require.Greater(t, s.waysAreTheTruth(), 10)
	s.viewsOfReach()
	require.Equal(t, 4, scalar[int](s.site, "select count(*) from bi.freshness where last_outcome = 'complete'"), first)

	again := s.cost(func() { s.okNow(massStreams...) })
	require.Zero(t, again.writes)
	s.sim.ResetCalls()
	s.dueNow()
	reread := s.cost(func() { s.okNow(append(massStreams, "--no-wait")...) })
	require.Zero(t, reread.writes)
	calls := s.sim.Calls()
	require.Greater(t, calls[vendorsim.EndpointTasks].Calls, 10)
	require.Greater(t, calls[vendorsim.EndpointResults].Calls, 10)
	require.Equal(t, 0, scalar[int](s.site, `select coalesce(sum(rows_changed), 0) from sync.pass
		where pass_id > (select max(pass_id) - 8 from sync.pass)`))
	leaks.none(t, "output", first.stdout+first.stderr)
	for _, said := range rowsOf[struct{ Content string }](s.site, "select content from groupchat.group_message where length(content) > 5") {
		require.NotContains(t, first.stdout+first.stderr, said.Content, "what people write is nobody's business")
	}
	s.cleanOf(leaks)
}

// Odd answers and messages to customers are read as well.
func TestMassMessagesOfAnOddTenant(t *testing.T) {
	t.Parallel()
	o := massTenant
	o.Odd, o.Seed = true, 22
	s := newMassSite(t, o)
	s.okNow(massStreams...)
	s.reachIsTheTruth()
	require.Greater(t, s.waysAreTheTruth(), 10)
	require.Positive(t, scalar[int](s.site, "select count(*) from groupchat.group_message_task where status in (1, 3)"))
	text, err := os.ReadFile(s.config)
	require.NoError(t, err)
	list := strings.Replace(string(text), "group_messages: {enabled: true}", "group_messages: {enabled: true, chat_types: [group, single]}", 1)
	require.NotEqual(t, string(text), list)
	require.NoError(t, os.WriteFile(s.config, []byte(list), 0o600))
	s.okNow(massStreams...)
	single := 0
	have := s.storedReach()
	for m := range s.sim.Messages(s.sim.Now()) {
		if m.ChatType == "single" && m.CreatedAt.After(s.sim.Now().AddDate(0, 0, -30)) {
			require.Empty(t, cmp.Diff(s.toldBy(m), have[m.ID]))
			single++
		}
	}
	require.Greater(t, single, 20)
	require.Equal(t, 0, scalar[int](s.site, "select count(*) from groupchat.group_message_result where (chat_id = '') = (external_user_id = '')"))
}

// viewsOfReach checks that the views count what the tables hold.
func (s *massSite) viewsOfReach() {
	s.t.Helper()
	type counts struct{ Senders, Sent, Targets, Reached, NoFriend, Quota, Pending int }
	have := map[string]counts{}
	for _, r := range rowsOf[struct {
		ID string
		counts
	}](s.site, `select msg_id, senders, senders_sent, coalesce(targets, 0), coalesce(sent, 0), coalesce(failed_no_friend, 0),
		coalesce(failed_quota, 0), coalesce(pending, 0) from bi.message_reach`) {
		have[r.ID] = r.counts
	}
	want := map[string]counts{}
	now := s.sim.Now()
	for id, m := range s.between(now.AddDate(0, 0, -30), now.Add(-time.Minute)) {
		told := s.toldBy(m)
		c := counts{Senders: len(told.Tasks), Targets: len(told.Results)}
		for _, row := range told.Tasks {
			if !strings.HasPrefix(row, "0") {
				c.Sent++
			}
		}
		for _, row := range told.Results {
			switch row[0] {
			case '0':
				c.Pending++
			case '1':
				c.Reached++
			case '2':
				c.NoFriend++
			case '3':
				c.Quota++
			}
		}
		want[id] = c
	}
	require.Empty(s.t, cmp.Diff(want, have))
	require.Equal(s.t, 0, scalar[int](s.site, `select count(*) from bi.message_reach where targets <> sent + failed_no_friend + failed_quota + pending + other
		or senders_read <> senders or reach is distinct from round(sent / nullif(targets, 0), 4)`))
	require.Equal(s.t, scalar[int](s.site, "select count(*) from groupchat.group_message_task"),
		scalar[int](s.site, "select count(*) from bi.message_senders"))
}

// sendsAsked notes which messages and senders are asked about.
type sendsAsked struct {
	mu    sync.Mutex
	times map[string]int
}

func (a *sendsAsked) note(r vendorsim.Request) {
	var body struct {
		ID     string `json:"msgid"`
		Sender string `json:"userid"`
	}
	if (r.Endpoint == vendorsim.EndpointTasks || r.Endpoint == vendorsim.EndpointResults) && json.Unmarshal(r.Body, &body) == nil {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.times[body.ID+"/"+body.Sender]++
	}
}

func (a *sendsAsked) take() map[string]int {
	a.mu.Lock()
	defer a.mu.Unlock()
	was := a.times
	a.times = map[string]int{}
	return was
}
