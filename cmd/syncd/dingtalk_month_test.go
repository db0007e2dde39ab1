package main

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/config"
	"syncd/internal/vendorsim/dingtalk"
)

// monthSource is a source with the schedules of the contract. Who has read messages
// gets what the lists of 30,000 groups leave.
const monthSource = `
name: ding
vendor: dingtalk
base_url: %s
credentials: {app_key: ` + dingtalk.DefaultAppKey + `, app_secret: "${DINGTALK_SECRET}"}
limits: {per_second: 0, per_month: 5000, reads_share: 0.12}
`

// tick is a moment at which a stream is due.
type tick struct {
	at     time.Time
	stream string
}

// ticks are all moments at which the streams of a source are due, in order.
func ticks(src config.Source, from, until time.Time) []tick {
	var all []tick
	for name, stream := range src.Streams {
		for _, schedule := range []config.Schedule{stream.Schedule, stream.FullSchedule} {
			if schedule.String() == "" {
				continue
			}
			for at := schedule.Next(from.In(src.Timezone)); at.Before(until); at = schedule.Next(at) {
				all = append(all, tick{at, name})
			}
		}
	}
	slices.SortFunc(all, func(a, b tick) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.stream, b.stream)
	})
	return all
}

// planOfMonth is what `syncd plan` says of the rest of the month.
func (s *dingSite) planOfMonth() plannedMonth {
	s.t.Helper()
	calls := s.sim.MonthlyCalls()
	r := s.done("plan", "--json")
	require.Equal(s.t, calls, s.sim.MonthlyCalls(), "a plan calls nobody")
	var report planReport
	require.NoError(s.t, json.Unmarshal([]byte(r.stdout), &report), r)
	require.Len(s.t, report.Months, 1)
	return *report.Months[0]
}

// A calendar month of 30,000 groups, which come, change and vanish, and of 20
// messages a day, by the schedules of the contract and with the 5,000 calls of an
// organisation: they are never exceeded, and they suffice for every list.
//
// Its 2,000 passes are one goroutine's after another's and race no more than those
// of shorter tests, but would take minutes with the detector.
func TestMonthOfDingTalk(t *testing.T) {
	t.Parallel()
	if raceDetector {
		t.Skip("for a test without the race detector: make test runs it so")
	}
	const seed = 31
	t.Logf("seed %d", seed)
	began := time.Now()
	first, next := time.Date(2026, 11, 1, 0, 0, 0, 0, china), time.Date(2026, 12, 1, 0, 0, 0, 0, china)
	s := newDingSite(t, dingtalk.Options{
		Seed: seed, Chats: 30_000, Sets: 20, MaxMembers: 150, Messages: 1, MessagesPerDay: 20,
		Start:    first.AddDate(0, 0, -8).Add(12 * time.Hour),
		TokenTTL: 7 * 24 * time.Hour,
		Limits:   dingtalk.Limits{PerAddress: -1},
	})
	s.describe(monthSource)
	run := s.longRun()

	// It is known already, and has been seen to change, when the month begins.
	s.done("sync")
	s.advance(first.Add(-time.Hour).Sub(s.sim.Now()))
	s.tracks(first.Add(-24 * time.Hour))
	t.Log(s.done("sync", "--full"))
	t.Log(s.done("sync", "ding/chat_checks"))
	s.advance(first.Sub(s.sim.Now()))
	require.Zero(t, s.sim.MonthlyCalls())
	planned := s.planOfMonth()
	t.Log(s.done("plan"))

	m := &monthOfDing{dingSite: s, run: run}
	for _, due := range ticks(run.cfg.Sources[0], first.Add(-time.Second), next) {
		s.advance(due.at.Sub(s.sim.Now()))
		m.work(due)
	}
	t.Logf("%d calls; planned %d; took %s", s.sim.MonthlyCalls(), planned.Calls, time.Since(began).Round(time.Second))
	m.showsItAll(first, planned)
}

// monthOfDing drives a month.
type monthOfDing struct {
	*dingSite
	run *longRun
	// fulls are when complete full passes ran.
	fulls []time.Time
	// short counts the runs that found no call left.
	short int
}

// work does what is due, and looks whether what was certified is true.
func (m *monthOfDing) work(due tick) {
	if due.stream == trackedStream {
		m.tracks(due.at.Add(-24 * time.Hour))
	}
	code, printed := m.run.sync(due.stream)
	require.NotContains(m.t, printed, "ApiCountLimitForOrg", "the vendor had to refuse")
	if due.stream == trackedStream {
		if code != exitOK {
			require.Equal(m.t, exitPartial, code, printed)
			require.Contains(m.t, printed, "the 600 calls of the month, of 5000, that may ask who has read messages ")
			m.short++
		}
		return
	}
	require.Equal(m.t, exitOK, code, "%s at %s: %s", due.stream, due.at, printed)
	require.NotContains(m.t, printed, "(drifted)")
	require.NotContains(m.t, printed, "(unproven)")
	if strings.Contains(printed, "ding/chats (full): complete") {
		m.fulls = append(m.fulls, due.at)
		code, checked := m.run.sync("chat_checks") // as a quarter of an hour later
		require.Equal(m.t, exitOK, code, checked)
		m.chatsAreTrue(m.visible())
	}
}

// showsItAll checks what the month has to show.
func (m *monthOfDing) showsItAll(first time.Time, planned plannedMonth) {
	t := m.t
	made := m.sim.MonthlyCalls()
	require.LessOrEqual(t, made, 5000)
	require.InEpsilon(t, made, planned.Calls, 0.1)
	booked := scalar[int](m.site, "select used from sync.call_budget where month = '2026-11-01'")
	require.GreaterOrEqual(t, booked, made, "what the vendor counts is booked")
	require.LessOrEqual(t, booked, 5000)
	for _, s := range planned.Streams {
		calls := scalar[int64](m.site, `select coalesce(sum(calls), 0)::bigint from sync.pass
			where stream = $1 and mode = $2 and started_at >= $3`, s.Stream, s.Mode, first)
		t.Logf("%s %s: planned %d calls of %d wanted, made %d", s.Stream, s.Mode, s.Calls, s.Wanted, calls)
		require.InDelta(t, calls, s.Calls, float64(calls)/5+20, s.Stream) // a week has shown how many vanish
	}

	require.Len(t, m.fulls, 5, "the Sundays of November")
	for i := 1; i < len(m.fulls); i++ {
		require.LessOrEqual(t, m.fulls[i].Sub(m.fulls[i-1]), 7*24*time.Hour)
	}
	type late struct {
		ID            string
		Created, Seen time.Time
	}
	fresh := rowsOf[late](m.site, "select chat_id, created_at, first_seen_at from groupchat.chat where created_at >= $1", first)
	require.Greater(t, len(fresh), 3000)
	for _, chat := range fresh {
		require.LessOrEqual(t, chat.Seen.Sub(chat.Created), 6*time.Hour+time.Minute, chat.ID)
	}
	require.Greater(t, scalar[int](m.site, "select count(*) from groupchat.chat where gone_at >= $1", first), 1500)
	require.Greater(t, scalar[int](m.site, "select count(*) from groupchat.chat_history where known_until >= $1", first), 3000)
	require.Zero(t, scalar[int](m.site, "select count(*) from sync.finding"))
	require.Positive(t, m.short, "receipts want more than their share")
	sent := scalar[int](m.site, "select count(*) from groupchat.robot_message where sent_at between $1 and $2", first, first.AddDate(0, 0, 29))
	unread := scalar[int](m.site, `select count(*) from groupchat.robot_message
		where send_status is null and sent_at between $1 and $2`, first, first.AddDate(0, 0, 29))
	t.Logf("%d new groups; %d runs found no call left for receipts, %d of %d messages were never read", len(fresh), m.short, unread, sent)
	require.Greater(t, sent, 500)
	require.LessOrEqual(t, unread, sent/4, "20 calls a day go to messages that can still be read")
}
