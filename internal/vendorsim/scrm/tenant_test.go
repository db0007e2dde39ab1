package scrm

import (
	"encoding/binary"
	"encoding/hex"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

func TestSameOptionsSameBytes(t *testing.T) {
	t.Parallel()
	o := Options{Seed: 7, Groups: 150, Odd: true}
	a, b := newClient(t, o), newClient(t, o)
	// They come to the same moment on different ways.
	a.advance(500 * time.Hour)
	for range 5 {
		b.raw(EndpointGroups, `{}`)
		b.advance(100 * time.Hour)
	}
	for _, body := range []string{`{}`, `{"pageNo":2,"pageSize":100}`, `{"keyword":"群"}`} {
		require.Equal(t, a.raw(EndpointGroups, body), b.raw(EndpointGroups, body))
		require.Equal(t, a.raw(EndpointUsers, `{}`), b.raw(EndpointUsers, `{}`))
	}
	o.Seed = 8
	require.NotEqual(t, a.raw(EndpointGroups, `{}`), newClient(t, o).raw(EndpointGroups, `{}`))
	o.Seed, o.AppID = 7, "another"
	require.Empty(t, commonIDs(a, newClient(t, o)))
}

func commonIDs(a, b *client) []string {
	theirs := b.truth()
	return slices.DeleteFunc(a.truth(), func(id string) bool { return !slices.Contains(theirs, id) })
}

// uuidTime reads the instant out of a UUID of version 1, as RFC 9562 has it.
func uuidTime(t *testing.T, id string) time.Time {
	t.Helper()
	raw, err := hex.DecodeString(id)
	require.NoError(t, err)
	require.Len(t, raw, 16)
	require.Equal(t, byte(1), raw[6]>>4)
	require.Equal(t, byte(2), raw[8]>>6)
	ticks := int64(binary.BigEndian.Uint32(raw)) | int64(binary.BigEndian.Uint16(raw[4:]))<<32 |
		int64(binary.BigEndian.Uint16(raw[6:])&0x0fff)<<48
	return time.Unix(0, 0).Add(time.Duration(ticks-122192928000000000) * 100)
}

// The evidence of the vendor's sample holds for ours: 29 of 29 tasks.
func TestTaskIDsTellTheStartTime(t *testing.T) {
	t.Parallel()
	require.Equal(t, "2022-04-26T03:35:21Z", uuidTime(t, "e6968046c51111ecbc3000163e06cc86").UTC().Format(time.RFC3339))
	c := newClient(t, Options{Groups: 400})
	c.advance(30 * 24 * time.Hour)
	seen := map[string]bool{}
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	require.NoError(t, err)
	most, statuses, modes, unsorted := 0, map[int]int{}, map[int]int{}, 0
	rows := c.all(EndpointGroups, "", 100)
	for _, r := range rows {
		most = max(most, len(r.Tasks))
		last := ""
		for _, k := range r.Tasks {
			require.Equal(t, k.StartTime, uuidTime(t, k.ID).In(shanghai).Format("2006-01-02 15:04"))
			older := uuidTime(t, k.ID).Sub(uuidTime(t, k.SopInfoID))
			require.True(t, older > 0 && older < time.Second, older)
			require.False(t, seen[k.ID] || seen[k.SopInfoID])
			require.False(t, uuidTime(t, k.ID).After(c.sim.Now().Add(time.Second)))
			seen[k.ID], seen[k.SopInfoID] = true, true
			statuses[k.SendStatus]++
			modes[k.Mode]++
			if k.StartTime < last {
				unsorted++
			}
			last = k.StartTime
			require.Equal(t, r.ChatID, k.ChatID)
			require.Contains(t, []string{"", r.ChatName}, k.ChatName)
		}
	}
	require.Greater(t, len(seen), 1000)
	require.LessOrEqual(t, most, 15)
	require.Greater(t, most, 8)
	require.Positive(t, unsorted)
	require.Equal(t, []int{0, 1}, slices.Sorted(maps.Keys(statuses)))
	require.Greater(t, statuses[1], 10*statuses[0])
	require.Equal(t, []int{0, 1}, slices.Sorted(maps.Keys(modes)))
}

func TestFewerTasks(t *testing.T) {
	t.Parallel()
	for limit, most := range map[int]int{-1: 0, 2: 2} {
		c := newClient(t, Options{TasksMax: limit})
		got := 0
		for g := range c.sim.Groups(c.sim.Moment()) {
			got = max(got, len(g.Tasks))
		}
		require.Equal(t, most, got)
	}
}

// Over two months everything happens that can.
func TestTheClockMovesTheTenant(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 300})
	read := func() map[string]Group {
		all := map[string]Group{}
		for g := range c.sim.Groups(c.sim.Moment()) {
			all[g.ChatID] = g
		}
		return all
	}
	happened := map[string]int{}
	before := read()
	for range 60 {
		c.advance(24 * time.Hour)
		after := read()
		for id, a := range after {
			b, old := before[id]
			if !old {
				happened["appeared"]++
				continue
			}
			require.Equal(t, b.CreatedAt, a.CreatedAt)
			for what, changed := range map[string]bool{
				"renamed": a.ChatName != b.ChatName, "passed on": a.SalesID != b.SalesID, "tagged": !slices.Equal(a.Tags, b.Tags),
			} {
				if changed {
					happened[what]++
				}
			}
			tasksMoved(b.Tasks, a.Tasks, happened)
		}
		for id := range before {
			if _, still := after[id]; !still {
				happened["dissolved"]++
			}
		}
		before = after
	}
	for _, what := range []string{"appeared", "dissolved", "renamed", "passed on", "tagged", "task added", "task sent", "task gone"} {
		require.Greater(t, happened[what], 5, what)
	}
	require.Zero(t, happened["task unsent"])
	_, err := c.sim.Advance(-time.Second)
	require.Error(t, err)
}

func tasksMoved(before, after []Task, happened map[string]int) {
	old := map[string]Task{}
	for _, k := range before {
		old[k.ID] = k
	}
	for _, k := range after {
		b, was := old[k.ID]
		delete(old, k.ID)
		switch {
		case !was:
			happened["task added"]++
		case b.SendStatus < k.SendStatus:
			happened["task sent"]++
		case b.SendStatus > k.SendStatus:
			happened["task unsent"]++
		}
	}
	happened["task gone"] += len(old)
}

func TestIDs(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 2000})
	seen := map[string]bool{}
	for g := range c.sim.Groups(c.sim.Moment()) {
		require.Regexp(t, `^wr[A-Za-z0-9_-]{30}$`, g.ChatID)
		require.False(t, seen[g.ChatID])
		seen[g.ChatID] = true
		n, ok := c.sim.tenant.staffNumber(g.SalesID)
		require.True(t, ok)
		require.Equal(t, g.SalesID, c.sim.tenant.staffID(n))
	}
	require.Len(t, seen, 2000)
	_, ok := c.sim.tenant.staffNumber(5)
	require.False(t, ok)
}

func TestSharedGroups(t *testing.T) {
	t.Parallel()
	at := defaultStart.Add(-time.Hour)
	c := newClient(t, Options{Groups: 20, Shared: []Shared{{ChatID: "wrFirst", Name: "甲", CreatedAt: at}, {ChatID: "wrSecond"}}})
	first, found := c.sim.Group("wrFirst", c.sim.Moment())
	require.True(t, found)
	require.Equal(t, "甲", first.ChatName)
	require.True(t, at.Equal(first.CreatedAt))
	require.Equal(t, "wrFirst", ids(c.all(EndpointGroups, "", 10))[0])
	require.Contains(t, c.truth(), "wrSecond")
	require.Len(t, c.truth(), 20)
	require.NoError(t, c.sim.Delete("wrSecond"))
	require.NotContains(t, c.truth(), "wrSecond")
	for _, bad := range []Options{
		{Shared: []Shared{{}}},
		{Shared: []Shared{{ChatID: "a"}, {ChatID: "a"}}},
		{Shared: []Shared{{ChatID: "a", CreatedAt: defaultStart}}},
		{Groups: 1, Shared: []Shared{{ChatID: "a"}, {ChatID: "b"}}},
		{Groups: -1},
		{Employees: 1},
		{PageSizeMax: -1},
		{Sign: 9},
	} {
		_, err := New(bad)
		require.ErrorContains(t, err, "simulator options: ")
	}
}

// Every odd shape that the package comment promises occurs, and none of them in
// a clean tenant. Odd answers are still JSON.
func TestOddShapes(t *testing.T) {
	t.Parallel()
	shapes := map[string]*regexp.Regexp{
		"numeric sales":  regexp.MustCompile(`"salesId":\d`),
		"quoted creator": regexp.MustCompile(`"creatorId":"\d+"`),
		"null tasks":     regexp.MustCompile(`"tasks":null`),
		"null tags":      regexp.MustCompile(`"tagGroupNames":null`),
		"null calendars": regexp.MustCompile(`"calendars":null`),
		"unknown member": regexp.MustCompile(`"groupFlags":`),
		"unknown status": regexp.MustCompile(`"sendStatus":(2|7|-1|4294967296),`),
		"unknown mode":   regexp.MustCompile(`"mode":(2|99|-3),`),
		"NUL":            regexp.MustCompile(`\\u0000"`),
		"high surrogate": regexp.MustCompile(`\\ud83d"`),
		"low surrogate":  regexp.MustCompile(`\\ude00x"`),
	}
	for _, odd := range []bool{false, true} {
		c := newClient(t, Options{Groups: 1000, Odd: odd})
		var all []byte
		for no := range 10 {
			body := c.raw(EndpointGroups, `{"pageSize":100,"pageNo":`+strconv.Itoa(no+1)+`}`)
			var any map[string]any
			requireJSON(t, body, &any)
			all = append(all, body...)
		}
		for name, shape := range shapes {
			require.Equal(t, odd, shape.Match(all), name)
		}
		require.Equal(t, odd, !utf8.Valid(all))
	}
}

func TestNumbersOfStaffAndGroupsComeBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s, err := New(Options{Seed: rapid.Uint64().Draw(t, "seed")})
		require.NoError(t, err)
		n := rapid.Uint64Max(insertedBase-1).Draw(t, "group")
		got, ok := s.tenant.drawnNumber(s.tenant.chatID(n))
		require.True(t, ok)
		require.Equal(t, n, got)
		_, ok = s.tenant.drawnNumber(rapid.String().Draw(t, "id"))
		require.False(t, ok)
		staff := rapid.IntRange(0, 100_000).Draw(t, "staff")
		back, ok := s.tenant.staffNumber(s.tenant.staffID(staff))
		require.True(t, ok)
		require.Equal(t, staff, back)
	})
}

func BenchmarkPageOfAHundredThousand(b *testing.B) {
	c := newClient(b, Options{Groups: 100_000})
	c.groups(`{}`)
	n := 0
	for b.Loop() {
		n++
		c.raw(EndpointGroups, `{"pageSize":100,"pageNo":`+strconv.Itoa(n%1000+1)+`}`)
	}
	b.ReportMetric(float64(100*n)/b.Elapsed().Seconds(), "rows/s")
}

func BenchmarkIndexOfAHundredThousand(b *testing.B) {
	c := newClient(b, Options{Groups: 100_000})
	for b.Loop() {
		c.advance(time.Second)
		c.groups(`{}`)
	}
}

func BenchmarkInsertBeforeEachPage(b *testing.B) {
	c := newClient(b, Options{Groups: 100_000})
	for b.Loop() {
		c.insert(Insertion{})
		c.groups(`{}`)
	}
}
