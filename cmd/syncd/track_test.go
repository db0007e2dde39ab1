package main

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/vendorsim"
	"syncd/internal/vendorsim/dingtalk"
)

// newTrackSite is a site of a tenant of whose messages none is followed.
func newTrackSite(tb testing.TB) *dingSite {
	tb.Helper()
	return newDingSite(tb, dingtalk.Options{Seed: 61, Chats: 60, Messages: 30, MessagesPerDay: -1, Start: dingStart, ReadyAfter: time.Second})
}

// file writes a file and returns its path.
func (s *dingSite) file(text string) string {
	s.t.Helper()
	path := filepath.Join(s.t.TempDir(), "keys.csv")
	require.NoError(s.t, os.WriteFile(path, []byte(text), 0o600))
	return path
}

// tracked are the messages that are followed, as text.
func (s *dingSite) tracked() []string {
	s.t.Helper()
	var list []string
	for _, row := range rowsOf[struct{ Text string }](s.site, `select concat_ws(' ', process_query_key, open_conversation_id, robot_code,
		to_char(sent_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS'))
		from groupchat.robot_message where source = 'ding' order by process_query_key`) {
		list = append(list, row.Text)
	}
	return list
}

func TestTrackByFlags(t *testing.T) {
	t.Parallel()
	s := newTrackSite(t)
	require.Equal(t, "ding: 1 new, 0 corrected, 0 known already\n",
		s.done("track", "add", "--key", "k/1+=", "--chat", "cid1", "--robot", "r1", "--sent-at", "2026-11-04T18:00:00+08:00").stdout)
	require.Equal(t, "ding: 1 new, 0 corrected, 0 known already\n", s.done("track", "add", "--key", "k2", "--chat", "cid1", "--robot", "r1").stdout)
	require.Equal(t, []string{"k/1+= cid1 r1 2026-11-04T10:00:00", "k2 cid1 r1 2026-11-04T11:00:00"}, s.tracked(), "without a time it was sent now")
	require.Equal(t, "ding: 0 new, 0 corrected, 1 known already\n",
		s.done("track", "add", "--source", "ding", "--key", "k2", "--chat", "cid1", "--robot", "r1").stdout)
	require.Equal(t, "ding: 0 new, 1 corrected, 0 known already\n", s.done("track", "add", "--key", "k2", "--chat", "cid2", "--robot", "r1").stdout)

	list := s.done("track", "list").stdout
	require.Contains(t, list, "2026-11-04T10:00:00Z  k/1+=")
	require.Contains(t, list, "not asked for yet")
	require.Less(t, strings.Index(list, "k2"), strings.Index(list, "k/1+="), "the youngest first")

	require.Equal(t, "ding: 1 forgotten\nk9 was not followed\n", s.done("track", "rm", "k2", "k9").stdout)
	require.Equal(t, []string{"k/1+= cid1 r1 2026-11-04T10:00:00"}, s.tracked())
	require.Equal(t, "ding: 1 forgotten\n", s.done("track", "rm", "k/1+=").stdout)
	require.Equal(t, "ding follows no message\n", s.done("track", "list").stdout)
}

func TestTrackFromAFile(t *testing.T) {
	t.Parallel()
	s := newTrackSite(t)
	for name, text := range map[string]string{
		"plain":         "key,chat,robot,sent_at\nk1,cid1,r1,2026-11-04T18:00:00+08:00\nk2,cid2,r2,\n",
		"order":         "sent_at,robot,chat,key\n2026-11-04T10:00:00Z,r1,cid1,k1\n,r2,cid2,k2\n",
		"a spreadsheet": "\ufeff\"key\",\"chat\",\"robot\",\"sent_at\"\r\n\"k1\",\"cid1\",\"r1\",\"2026-11-04T18:00:00+08:00\"\r\n\r\n\"k2\",\"cid2\",\"r2\",\"\"\r\n",
		"blanks":        " key, chat ,robot , sent_at\nk1,cid1,r1,2026-11-04T18:00:00+08:00\n\nk2,cid2,r2,\nk2,cid2,r2,\n",
	} {
		r := s.done("track", "add", "--from", s.file(text))
		require.Equal(t, "ding: 2 new, 0 corrected, 0 known already\n", r.stdout, name)
		require.Equal(t, []string{"k1 cid1 r1 2026-11-04T10:00:00", "k2 cid2 r2 2026-11-04T11:00:00"}, s.tracked(), name)
		s.done("track", "rm", "k1", "k2")
	}
	require.Equal(t, "ding: 1 new, 0 corrected, 0 known already\n", s.done("track", "add", "--from", s.file("robot,key,chat\nr1,k1,cid1\n")).stdout)
	require.Equal(t, "ding: 0 new, 0 corrected, 0 known already\n", s.done("track", "add", "--from", s.file("robot,key,chat\n")).stdout)
}

// What cannot be followed is refused with its line, and nothing of the file is taken.
func TestTrackRefuses(t *testing.T) {
	t.Parallel()
	s := newTrackSite(t)
	const head = "key,chat,robot,sent_at\nk1,cid1,r1,\n"
	for _, c := range []struct{ text, says string }{
		{"", "read the header line"},
		{"key,chat\n", "line 1: there is no column robot"},
		{"key,chat,robot,colour\n", `line 1: column "colour": want each of key, chat, robot, sent_at once`},
		{"key,chat,robot,key\n", `line 1: column "key": want each of`},
		{head + "k2,cid2\n", "line 3: wrong number of fields"},
		{head + "k2,\"cid2,r2,\n", "line"},
		{head + "k2,cid2,r2,yesterday\n", `line 3: sent_at "yesterday": want a time such as 2026-11-20T09:00:00+08:00; nothing was taken`},
		{head + ",cid2,r2,\n", "line 3: it has no key; nothing was taken"},
		{head + "\n\nk2,cid2,,\n", "line 5: it has no robot; nothing was taken"},
		{head + "\"k\n2\",cid2,r2,\nk3, cid3,r3,\n", "line 5: its chat has blanks around it; nothing was taken"},
		{head + "k2,cid2,r2,2027-11-04T10:00:00Z\n", "line 3: it was sent in the future, 2027-11-04T10:00:00Z; nothing was taken"},
		{head + "k2,cid2,r2,1999-11-04T10:00:00Z\n", "line 3: it was sent before the year 2000"},
		{head + "k1,cid2,r1,\n", "line 3: its key stands there twice, with different values; nothing was taken"},
		{head + strings.Repeat("k", 1001) + ",cid2,r2,\n", "line 3: its key has more than 1000 bytes"},
		{head + "k\xff,cid2,r2,\n", "line 3: its key is not UTF-8 text"},
	} {
		path := s.file(c.text)
		r := s.do("track", "add", "--from", path)
		require.Equal(t, exitUsage, r.code, r)
		require.Contains(t, r.stderr, path)
		require.Contains(t, r.stderr, c.says)
		require.Empty(t, s.tracked())
	}
	for _, c := range []struct {
		args []string
		says string
	}{
		{[]string{"add"}, "--key, --chat and --robot are needed, or --from FILE"},
		{[]string{"add", "--key", "k1", "--chat", "cid1"}, "--key, --chat and --robot are needed, or --from FILE"},
		{[]string{"add", "--key", " k1", "--chat", "cid1", "--robot", "r1"}, "the message cannot be followed: its key has blanks around it"},
		{[]string{"add", "--key", "k1", "--chat", "cid1", "--robot", "r1", "--sent-at", "noon"}, "noon"},
		{[]string{"add", "--key", "k1", "--from", "x.csv"}, "--from takes the place of --key"},
		{[]string{"add", "--from", "no/such/file.csv"}, "no/such/file.csv"},
		{[]string{"add", "--source", "other", "--key", "k1", "--chat", "c", "--robot", "r"}, "no source of that name follows robot messages; those that do: ding"},
		{[]string{"rm"}, "key"},
	} {
		r := s.do(append([]string{"track"}, c.args...)...)
		require.Equal(t, exitUsage, r.code, r)
		require.Contains(t, r.stderr, c.says)
	}
	require.Empty(t, s.tracked())

	wecom := newSite(t, faultTenant)
	r := wecom.run("track", "list")
	require.Equal(t, exitUsage, r.code, r)
	require.Contains(t, r.stderr, "no source in the configuration follows robot messages")
}

// The sender's own program may add messages by a plain INSERT, and can do nothing
// else.
func TestTrackByRole(t *testing.T) {
	t.Parallel()
	s := newTrackSite(t)
	s.exec("do $$ begin create role syncd_tracker; exception when duplicate_object or unique_violation then null; end $$")
	s.done("migrate", "up")
	conn, err := s.pool.Acquire(t.Context())
	require.NoError(t, err)
	defer conn.Release()
	_, err = conn.Exec(t.Context(), "set role syncd_tracker")
	require.NoError(t, err)
	m := s.sim.Messages(dingStart)[0]
	for _, sql := range []string{
		"insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at) values ('ding', $1, $2, $3, $4) on conflict do nothing",
		"insert into groupchat.robot_message (source, process_query_key, open_conversation_id, robot_code, sent_at) values ('ding', $1, $2, $3, $4) on conflict do nothing",
	} {
		_, err = conn.Exec(t.Context(), sql, m.Key, m.ChatID, m.RobotCode, dingStart.Add(-time.Hour))
		require.NoError(t, err)
	}
	for _, sql := range []string{"delete from groupchat.robot_message", "update groupchat.robot_message set closed_at = now()", "select * from groupchat.chat"} {
		_, err = conn.Exec(t.Context(), sql)
		require.ErrorContains(t, err, "permission denied")
	}
	_, err = conn.Exec(t.Context(), "reset role")
	require.NoError(t, err)
	s.done("sync", "ding/message_reads")
	require.Len(t, s.tracked(), 1)
	require.Equal(t, 1, s.sim.Calls()[dingtalk.EndpointReads].Calls)
}

// Messages can be tracked while another process syncs into its private server.
func TestTrackBesideARunningServer(t *testing.T) {
	t.Parallel()
	s := newTrackSite(t)
	s.pool.Close()
	text, err := os.ReadFile(s.config)
	require.NoError(t, err)
	changed := strings.Replace(string(text), "database_url: ${DSN}", "data_dir: "+dataDir(t), 1)
	require.NotEqual(t, string(text), changed)
	require.NoError(t, os.WriteFile(s.config, []byte(changed), 0o600))

	asked, answer := make(chan struct{}), make(chan struct{})
	var once sync.Once
	s.sim.SetScript(dingtalk.Script{OnRequest: func(ctx context.Context, r vendorsim.Request) vendorsim.Verdict {
		if r.Endpoint == dingtalk.EndpointChats {
			once.Do(func() { close(asked) })
			select {
			case <-answer:
			case <-ctx.Done():
			}
		}
		return vendorsim.Verdict{}
	}})
	syncing := make(chan result, 1)
	go func() { syncing <- s.runOn(s.hurried, "sync") }()
	select {
	case <-asked:
	case r := <-syncing:
		require.Fail(t, "the sync ended", r)
	}
	sent := s.sim.Messages(dingStart)
	m := sent[slices.IndexFunc(sent, func(m dingtalk.Message) bool { return m.SentAt.After(dingStart.Add(-20 * time.Hour)) })]
	r := s.do("track", "add", "--key", m.Key, "--chat", m.ChatID, "--robot", m.RobotCode, "--sent-at", m.SentAt.Format(time.RFC3339))
	require.Equal(t, exitOK, r.code, r)
	require.Contains(t, s.done("track", "list").stdout, m.Key)
	close(answer)
	r = <-syncing
	require.Equal(t, exitOK, r.code, r)
	require.Equal(t, 1, s.sim.Calls()[dingtalk.EndpointReads].Calls, "the same sync has asked for it")
	require.Contains(t, s.done("track", "rm", m.Key).stdout, "1 forgotten")
}
