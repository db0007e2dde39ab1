package store_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/stretchr/testify/require"
)

// copyRows writes rows, each of as many values as there are columns.
func (b *bench) copyRows(table string, columns string, rows [][]any) {
	b.t.Helper()
	_, err := b.pool.CopyFrom(b.t.Context(), pgx.Identifier{"groupchat", table}, strings.Fields(columns), pgx.CopyFromRows(rows))
	require.NoError(b.t, err)
}

// said is what the columns of a view have: NULL is "-".
func said(columns string) string {
	var parts []string
	for column := range strings.FieldsSeq(columns) {
		parts = append(parts, fmt.Sprintf("coalesce(%s::text, '-')", column))
	}
	return "concat_ws(' ', " + strings.Join(parts, ", ") + ")"
}

const reachTally = "targets sent failed_no_friend failed_quota pending other"

// reachTallies counts receivers as bi.message_reach does.
type reachTallies struct{ targets, sent, noFriend, quota, pending, other int }

func (c *reachTallies) add(status *int64) {
	c.targets++
	switch {
	case status == nil:
		c.other++
	case *status == 0:
		c.pending++
	case *status == 1:
		c.sent++
	case *status == 2:
		c.noFriend++
	case *status == 3:
		c.quota++
	default:
		c.other++
	}
}

func (c *reachTallies) String() string {
	if c == nil {
		return "- - - - - -"
	}
	return fmt.Sprint(c.targets, " ", c.sent, " ", c.noFriend, " ", c.quota, " ", c.pending, " ", c.other)
}

// The views of reach count what the tables hold, whatever that is: messages without
// senders, senders without receivers, numbers that nobody documents.
func TestViewsOfReachCountWhatIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	require.NoError(t, b.store.RegisterSource(t.Context(), "other", "wecom", "ww2", "UTC", t0))
	draw := rand.New(rand.NewPCG(7, 7))
	statuses := []*int64{new(int64(0)), new(int64(1)), new(int64(1)), new(int64(2)), new(int64(3)), new(int64(4)), new(int64(-1)), nil}
	status := func() *int64 { return statuses[draw.IntN(len(statuses))] }
	var messages, tasks, results [][]any
	want, wantSenders := []string{}, []string{}
	for n := range 120 {
		source, id := []string{"acme", "other"}[n%2], fmt.Sprintf("m%03d", n/2)
		created := t0.Add(time.Duration(draw.IntN(100)) * time.Hour)
		messages = append(messages, []any{source, id, "group", created, t0, t0, int64(0)})
		senders, sent, read := draw.IntN(5), 0, 0
		var whole *reachTallies
		for k := range senders {
			user, did := fmt.Sprintf("u%d", k), status()
			var sentAt, resultsAt *time.Time
			if draw.IntN(3) == 0 {
				sentAt = &created
			}
			if sentAt != nil || did != nil && *did != 0 {
				sent++
			}
			var mine *reachTallies
			if draw.IntN(4) > 0 {
				resultsAt, mine, read = &created, &reachTallies{}, read+1
				if whole == nil {
					whole = &reachTallies{}
				}
			}
			tasks = append(tasks, []any{source, id, user, did, sentAt, resultsAt, t0, t0, int64(0)})
			for r := range draw.IntN(6) {
				s := status()
				results = append(results, []any{source, id, user, fmt.Sprintf("c%d", r), "", s, t0, t0, int64(0)})
				if mine != nil {
					mine.add(s)
					whole.add(s)
				}
			}
			wantSenders = append(wantSenders, fmt.Sprint(source, " ", id, " ", user, " ", mine))
		}
		reach := "-"
		if whole != nil && whole.targets > 0 {
			reach = fmt.Sprintf("%.4f", float64(whole.sent)/float64(whole.targets))
		}
		zone := map[string]*time.Location{"acme": time.FixedZone("", 8*3600), "other": time.UTC}[source]
		want = append(want, fmt.Sprint(source, " ", id, " ", created.In(zone).Format(time.DateOnly), " ", senders, " ", sent, " ", read, " ", whole, " ", reach))
	}
	b.copyRows("group_message", "source msg_id chat_type created_at first_seen_at listed_at hash", messages)
	b.copyRows("group_message_task", "source msg_id user_id status sent_at results_at first_seen_at fetched_at hash", tasks)
	b.copyRows("group_message_result", "source msg_id user_id chat_id external_user_id status first_seen_at fetched_at hash", results)
	slices.Sort(want)
	slices.Sort(wantSenders)
	have := b.rows("select " + said("source msg_id day senders senders_sent senders_read "+reachTally+" reach") + " from bi.message_reach")
	slices.Sort(have)
	require.Empty(t, gocmp.Diff(want, have))
	have = b.rows("select " + said("source msg_id user_id "+reachTally) + " from bi.message_senders")
	slices.Sort(have)
	require.Empty(t, gocmp.Diff(wantSenders, have))
}

// A member belongs to the way that has his state and leads to his chat, else to the
// only one with his state; by the vendor's day, each spell once.
func TestViewOfJoinWaysCountsWhatIsThere(t *testing.T) {
	t.Parallel()
	b := newBench(t)
	draw := rand.New(rand.NewPCG(9, 9))
	states := []string{"s0", "s1", "s2", "s3", "s4"}
	type way struct {
		id, state string
		chats     []string
	}
	var ways []way
	var rows [][]any
	for n := range 14 {
		w := way{id: fmt.Sprintf("w%02d", n), state: states[draw.IntN(4)]}
		for c := range 12 {
			if draw.IntN(5) == 0 {
				w.chats = append(w.chats, fmt.Sprintf("c%02d", c))
			}
		}
		var state *string
		var gone *time.Time
		switch {
		case n == 0: // of which no more is known than that it is gone
			w.state, w.chats, gone = "", nil, &t0
		case n%3 == 0:
			gone, state = &t0, &w.state
		default:
			state = &w.state
		}
		ways = append(ways, w)
		rows = append(rows, []any{"acme", w.id, state, w.chats, gone, "r" + w.id})
	}
	ways = append(ways, way{"lone", "s4", []string{"c99", "unknown chat"}})
	rows = append(rows, []any{"acme", "lone", "s4", []string{"c99", "unknown chat"}, nil, "rlone"})
	b.copyRows("join_way", "source config_id state chat_ids gone_at remark", rows)

	// group is what the view has a row of: the way or "-", the state, how many ways may
	// be meant, the day or "-".
	type group struct {
		way, state string
		ways       int
		day        string
	}
	type count struct {
		joined, stillIn int
		people, chats   map[string]bool
	}
	counts := map[group]*count{}
	rows = nil
	for n := range 700 {
		chat, member := fmt.Sprintf("c%02d", draw.IntN(14)), fmt.Sprintf("p%d", draw.IntN(150))
		joined := t0.Add(time.Duration(draw.IntN(96)) * time.Hour).Add(time.Duration(n) * time.Second)
		day := joined.In(time.FixedZone("", 8*3600)).Format(time.DateOnly)
		g := group{state: append(slices.Clone(states), "", "nobody's")[draw.IntN(7)], way: "-", day: day}
		var left *time.Time
		if draw.IntN(4) == 0 {
			left = &joined
		}
		var state *string
		if g.state != "" || draw.IntN(2) == 0 {
			state = &g.state
		}
		rows = append(rows, []any{"acme", chat, member, joined, state, false, t0, left, int64(0)})
		if g.state == "" {
			continue
		}
		var near, all []string
		for _, w := range ways {
			if w.state == g.state {
				all = append(all, w.id)
				if slices.Contains(w.chats, chat) {
					near = append(near, w.id)
				}
			}
		}
		if len(near) == 0 {
			near = all
		}
		if g.ways = len(near); g.ways == 1 {
			g.way = near[0]
		}
		c := counts[g]
		if c == nil {
			c = &count{people: map[string]bool{}, chats: map[string]bool{}}
			counts[g] = c
		}
		c.joined++
		c.people[member], c.chats[chat] = true, true
		if left == nil {
			c.stillIn++
		}
	}
	b.copyRows("chat_member", "source chat_id member_id joined_at state is_admin first_seen_at left_before hash", rows)
	_, err := b.pool.Exec(t.Context(), `insert into groupchat.chat_member (source, chat_id, member_id, joined_at, state, is_admin, first_seen_at, hash)
		values ('acme', 'c00', 'undated', '-infinity', 's4', false, $1, 0)`, t0)
	require.NoError(t, err)
	counts[group{"lone", "s4", 1, "-"}] = &count{1, 1, map[string]bool{"": true}, map[string]bool{"": true}}

	var want []string
	kinds := map[int]int{}
	for g, c := range counts {
		remark := "-"
		if g.way != "-" {
			remark = "r" + g.way
		}
		kinds[min(g.ways, 2)]++
		want = append(want, fmt.Sprint(g.way, " ", remark, " ", g.state, " ", g.ways, " ", g.day, " ", c.joined, " ", len(c.people), " ", c.stillIn, " ", len(c.chats)))
	}
	slices.Sort(want)
	require.Len(t, kinds, 3, "none, one and several")
	have := b.rows("select " + said("config_id remark state ways day joined people still_in chats") + " from bi.join_way_members")
	slices.Sort(have)
	require.Empty(t, gocmp.Diff(want, have))
}
