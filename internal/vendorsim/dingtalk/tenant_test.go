package dingtalk

import (
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestIDsCanBeReadBack(t *testing.T) {
	t.Parallel()
	tenant := newTenant(mustDefaults(t, Options{Chats: 1, Owners: 100_000}))
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Uint64Range(0, 1<<40).Draw(t, "n")
		for _, pair := range []struct {
			id   string
			read func(string) (uint64, bool)
		}{
			{tenant.chatID(n), tenant.chatNumber},
			{tenant.setID(n), tenant.setNumber},
			{tenant.messageKey(n), tenant.messageNumber},
			{tenant.userID(n % 100_000), tenant.userNumber},
		} {
			got, ok := pair.read(pair.id)
			require.True(t, ok, pair.id)
			require.Contains(t, []uint64{n, n % 100_000}, got)
			i := rapid.IntRange(0, len(pair.id)-1).Draw(t, "at")
			_, ok = pair.read(pair.id[:i] + "!" + pair.id[i+1:])
			require.False(t, ok)
		}
	})
}

func mustDefaults(t *testing.T, o Options) Options {
	t.Helper()
	o, err := o.withDefaults()
	require.NoError(t, err)
	return o
}

// Over two months the tenant does all that it is said to do, and keeps what never
// changes.
func TestWhatTimeDoes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 400})
	before := map[string]Chat{}
	kinds := map[string]int{}
	for chat := range c.sim.Chats(c.sim.Now()) {
		before[chat.ID] = chat
		kinds[chat.RelationType]++
	}
	require.Len(t, before, 400)
	require.InDelta(t, 132, kinds[RelationPersonal], 45)
	c.advance(60 * 24 * time.Hour)
	after := map[string]Chat{}
	var last time.Time
	var newer, renamed, handedOver, resized int
	for chat := range c.sim.Chats(c.sim.Now()) {
		require.False(t, chat.CreatedAt.Before(last), "ordered by gmtCreate")
		last = chat.CreatedAt
		after[chat.ID] = chat
		was, known := before[chat.ID]
		if !known {
			newer++
			require.True(t, chat.CreatedAt.After(c.sim.opt.Start))
			continue
		}
		require.Equal(t, []any{was.CreatedAt, was.SetID, was.RelationType}, []any{chat.CreatedAt, chat.SetID, chat.RelationType})
		if was.Name != chat.Name {
			renamed++
		}
		if was.OwnerID != chat.OwnerID {
			handedOver++
		}
		if was.Members != chat.Members {
			resized++
		}
	}
	require.False(t, last.After(c.sim.Now()))
	require.InDelta(t, 96, newer, 20)
	require.InDelta(t, 56, 400-(len(after)-newer), 30)
	for _, n := range []int{renamed, handedOver, resized} {
		require.Greater(t, n, 20)
		require.Less(t, n, 400)
	}
}

func TestGroupsShareTheirInstant(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 300})
	c.advance(90 * 24 * time.Hour)
	var last time.Time
	old, young := 0, 0
	for chat := range c.sim.Chats(c.sim.Now()) {
		if chat.CreatedAt.Equal(last) {
			if last.Before(c.sim.opt.Start) {
				old++
			} else {
				young++
			}
		}
		last = chat.CreatedAt
	}
	require.Positive(t, old)
	require.Positive(t, young)
}

// What is listed now is what was there, whenever it is looked at.
func TestTruthOfThePastStays(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 90})
	at := c.sim.Now().Add(50 * time.Hour)
	want := slices.Collect(c.sim.Chats(at))
	_ = slices.Collect(c.sim.Chats(at.Add(1000 * time.Hour)))
	require.Equal(t, want, slices.Collect(c.sim.Chats(at)))
	other := newClient(t, Options{Chats: 90})
	_ = slices.Collect(other.sim.Chats(at.Add(2000 * time.Hour)))
	require.Equal(t, want, slices.Collect(other.sim.Chats(at)))
}

func TestClockOnlyMovesOn(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	at, err := c.sim.Advance(1500 * time.Millisecond)
	require.NoError(t, err)
	require.Equal(t, c.sim.opt.Start.Add(time.Second), at)
	_, err = c.sim.Advance(-time.Second)
	require.Error(t, err)
	require.Equal(t, at, c.sim.Now())
}

// An odd tenant says the same in stranger shapes.
func TestOddShapes(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Odd: true, Chats: 600})
	v := values("relationType", RelationCustomer, "maxResults", "100")
	var all strings.Builder
	badNames := 0
	for {
		w := c.recorded(EndpointChats, v, "")
		require.Equal(t, 200, w.Code)
		all.Write(w.Body.Bytes())
		text := w.Body.String()
		if !strings.Contains(text, `"hasMore":true`) {
			break
		}
		_, next, _ := strings.Cut(text, `"nextToken":"`)
		next, _, _ = strings.Cut(next, `"`)
		v.Set("nextToken", next)
	}
	for chat := range c.sim.Chats(c.sim.Now()) {
		if !utf8.ValidString(chat.Name) {
			badNames++
		}
	}
	require.Positive(t, badNames)
	for _, want := range []string{`"memberCount":"`, `"gmtCreate":"`, `"bizExtra"`, `"openGroupSetId":null`, `\u0000`, `\ud83d`, "\xff\xfe"} {
		require.Contains(t, all.String(), want)
	}
	none := c.recorded(EndpointChats, values("relationType", RelationCustomer, "maxResults", "1", "queryDsl", dsl("", where("EQ", "gmtCreate", `"1"`))), "")
	require.NotContains(t, none.Body.String(), "resultList")
	tokens := 0
	for range 20 {
		w := c.recorded(EndpointChats, values("relationType", RelationCustomer, "maxResults", "1", "queryDsl", dsl("", where("EQ", "gmtCreate", `"1"`))), "")
		if strings.Contains(w.Body.String(), `"nextToken":"A`) || strings.Count(w.Body.String(), `"nextToken":""`) == 0 && strings.Contains(w.Body.String(), "nextToken") {
			tokens++
		}
		c.now = c.now.Add(time.Second)
	}
	require.Positive(t, tokens, "a nextToken beside hasMore false")
	spelt := map[bool]int{}
	for range 4 {
		spelt[strings.Contains(c.recorded(EndpointChats, nil, "").Body.String(), `"RequestId"`)]++
	}
	require.Equal(t, map[bool]int{true: 2, false: 2}, spelt)
}

// A tenant of 30,000 groups costs little more than its ledger.
func TestLargeTenant(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Chats: 30_000, Limits: Limits{PerMonth: -1}})
	c.advance(30 * 24 * time.Hour)
	c.login()
	v := values("relationType", RelationCustomer, "maxResults", "100", "queryDsl", dsl("ASC"))
	seen := map[string]bool{}
	calls := 0
	for {
		got := c.do(EndpointChats, v, "")
		require.Equal(t, 200, got.Status)
		calls++
		for _, r := range got.ResultList {
			seen[r.ChatID] = true
		}
		if !got.HasMore {
			require.Len(t, seen, got.TotalCount)
			break
		}
		v.Set("nextToken", *got.NextToken)
	}
	require.Equal(t, (len(seen)+99)/100, calls)
	require.InDelta(t, 20_000, len(seen), 2_500)
}

func BenchmarkListPage(b *testing.B) {
	c := newClient(b, Options{Chats: 30_000, Limits: Limits{-1, -1, -1}})
	v := values("relationType", RelationCustomer, "maxResults", "100", "queryDsl", dsl("ASC"))
	for b.Loop() {
		if w := c.recorded(EndpointChats, v, ""); w.Code != 200 {
			b.Fatal(w.Body)
		}
	}
}

func BenchmarkNew(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, err := New(Options{Chats: 30_000}); err != nil {
			b.Fatal(err)
		}
	}
}
