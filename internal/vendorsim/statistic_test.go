package vendorsim

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"
)

// statData is a row as an outsider reads it.
type statData struct {
	NewChats    int  `json:"new_chat_cnt"`
	Chats       int  `json:"chat_total"`
	ChatsSpoken int  `json:"chat_has_msg"`
	NewMembers  int  `json:"new_member_cnt"`
	Members     int  `json:"member_total"`
	Spoken      int  `json:"member_has_msg"`
	Messages    int  `json:"msg_total"`
	Trainees    *int `json:"migrate_trainee_chat_cnt"`
}

// data is what an answer without education says of the figures.
func data(f Figures) statData {
	return statData{
		NewChats: f.NewChatCnt, Chats: f.ChatTotal, ChatsSpoken: f.ChatHasMsg, NewMembers: f.NewMemberCnt,
		Members: f.MemberTotal, Spoken: f.MemberHasMsg, Messages: f.MsgTotal,
	}
}

type statAnswer struct {
	answer

	Total      *int `json:"total"`
	NextOffset *int `json:"next_offset"`
	Items      []struct {
		Owner string   `json:"owner"`
		Time  int64    `json:"stat_time"`
		Data  statData `json:"data"`
	} `json:"items"`
}

func (c *client) stat(endpoint, body string) statAnswer {
	raw := c.raw(http.MethodPost, c.path(endpoint), body)
	var a statAnswer
	require.NoError(c.t, json.Unmarshal(raw, &a), "%s", raw)
	require.NotNil(c.t, a.Items, "%s", raw)
	return a
}

// asking is the body of a call about some days; more is further fields.
func asking(from, to time.Time, owners []string, more string) string {
	ids, _ := json.Marshal(owners)
	return fmt.Sprintf(`{"day_begin_time":%d,"day_end_time":%d,"owner_filter":{"userid_list":%s}%s}`,
		from.Unix(), to.Unix(), ids, more)
}

// ownerRows are all rows of a range by owner.
func (c *client) ownerRows(from, to time.Time, owners []string) map[string]statData {
	rows := map[string]statData{}
	for offset := 0; ; {
		got := c.stat(EndpointStatistic, asking(from, to, owners, fmt.Sprintf(`,"limit":1000,"offset":%d`, offset)))
		require.Equal(c.t, 0, got.Errcode, got.Errmsg)
		for _, item := range got.Items {
			require.NotContains(c.t, rows, item.Owner)
			rows[item.Owner] = item.Data
		}
		if *got.NextOffset == *got.Total {
			require.Len(c.t, rows, *got.Total)
			return rows
		}
		require.Greater(c.t, *got.NextOffset, offset)
		offset = *got.NextOffset
	}
}

// dayRows are the rows of a range by the day's first second.
func (c *client) dayRows(from, to time.Time, owners []string) map[int64]statData {
	got := c.stat(EndpointStatisticByDay, asking(from, to, owners, ""))
	require.Equal(c.t, 0, got.Errcode, got.Errmsg)
	rows, last := map[int64]statData{}, int64(0)
	for _, item := range got.Items {
		require.Greater(c.t, item.Time, last, "days ascend")
		rows[item.Time], last = item.Data, item.Time
	}
	return rows
}

// ago is the first second of a day so many days before the clock's.
func (c *client) ago(days int) time.Time {
	now := c.sim.Now().In(chinaTime)
	return time.Date(now.Year(), now.Month(), now.Day()-days, 0, 0, 0, 0, chinaTime)
}

// owners are the people in the follow user list.
func (c *client) owners(n int) []string {
	list := c.follow().FollowUser
	return list[:min(n, len(list))]
}

// count adds up a day from the chats as they are at its last second.
func count(s *Sim, owner int, date int64) (f Figures) {
	t, last := s.tenant, dayBegins(date+1)-1
	for n := range t.chats.Count(max(last, t.start)) {
		if t.created(n) > last || last >= t.dissolved(n) {
			continue
		}
		owners, status := t.tenures(nil, n, last)
		if owners[len(owners)-1].staff != owner {
			continue
		}
		f.ChatTotal++
		if dayOf(t.created(n)) == date {
			f.NewChatCnt++
		}
		for _, p := range t.members(nil, n, owners, status, last) {
			f.MemberTotal++
			if dayOf(p.joined) == date {
				f.NewMemberCnt++
			}
		}
	}
	return f
}

// The ledger walks stays and tenures, a detail looks at one instant: both must
// come to the same numbers, before the start and after it.
func TestFiguresCountTheChats(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		s := newSim(t, Options{
			Seed:        rapid.Uint64().Draw(t, "seed"),
			Chats:       rapid.IntRange(1, 60).Draw(t, "chats"),
			MeanMembers: rapid.IntRange(1, 30).Draw(t, "mean"),
			MaxMembers:  60,
			Corrections: -1,
			StatRows:    RowsAll,
		})
		date := dayOf(s.Now().Unix()) + int64(rapid.IntRange(-250, 400).Draw(t, "date"))
		at := instant(dayBegins(date+1)).AddDate(0, 0, 9)
		for staff := range s.tenant.staffCount(dayBegins(date)) {
			got, row := s.OwnerDay(s.tenant.staffID(staff), instant(dayBegins(date)+3600), at)
			require.True(t, row)
			want := count(s, staff, date)
			require.Equal(t, want, Figures{
				NewChatCnt: got.NewChatCnt, ChatTotal: got.ChatTotal, NewMemberCnt: got.NewMemberCnt, MemberTotal: got.MemberTotal,
			})
			requireSound(t, got)
		}
	})
}

// requireSound checks what holds for the figures of any day.
func requireSound(t require.TestingT, f Figures) {
	require.LessOrEqual(t, f.ChatHasMsg, f.ChatTotal, "%+v", f)
	require.LessOrEqual(t, f.MemberHasMsg, f.MemberTotal, "%+v", f)
	require.LessOrEqual(t, f.MemberHasMsg, f.MsgTotal, "%+v", f)
	require.LessOrEqual(t, f.ChatHasMsg, f.MemberHasMsg, "%+v", f)
	require.LessOrEqual(t, f.MigrateTraineeChatCnt, f.ChatTotal, "%+v", f)
	require.Equal(t, f.MsgTotal == 0, f.ChatHasMsg == 0, "%+v", f)
	for _, n := range []int{f.NewChatCnt, f.ChatTotal, f.ChatHasMsg, f.NewMemberCnt, f.MemberTotal, f.MemberHasMsg, f.MsgTotal} {
		require.GreaterOrEqual(t, n, 0, "%+v", f)
	}
}

func TestCrowdCountsWhoIsThereAtTheEndOfADay(t *testing.T) {
	t.Parallel()
	const first = 20_000
	at := func(days, seconds int64) int64 { return dayBegins(first+days) + seconds }
	for name, tc := range map[string]struct {
		joined, left int64
		members      string // of days 0 to 3
		newcomer     int    // the day, -1 for none
	}{
		"two nights":             {at(1, 5), at(3, 5), "0110", 1},
		"the last second":        {at(1, day-1), at(2, 0), "0100", 1},
		"within a day":           {at(1, 5), at(1, 9), "0000", -1},
		"since the block before": {at(-1, 5), at(2, 5), "1100", -1},
		"long ago":               {at(-9, 5), at(0, 0), "0000", -1},
		"for ever":               {at(2, 0), never, "0011", 2},
		"after the block":        {at(blockDays, 0), never, "0000", -1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := crowd{first: first}
			c.add(tc.joined, tc.left)
			members, sum := "", 0
			for _, change := range c.members[:4] {
				sum += change
				members += strconv.Itoa(sum)
			}
			require.Equal(t, tc.members, members)
			require.Equal(t, tc.newcomer, slices.Index(c.joined[:], 1))
		})
	}
}

// What a client that reads details would count is what the statistics say.
func TestFiguresMatchTheDetails(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 4, Chats: 120, Corrections: -1})
	c.advance(40 * 24 * time.Hour)
	last := c.ago(0).Add(-time.Second)
	want := map[string]statData{}
	for chat := range c.sim.Chats(last) {
		sum := want[chat.Owner]
		sum.Chats++
		sum.Members += len(chat.Members)
		want[chat.Owner] = sum
	}
	c.login()
	owners := slices.DeleteFunc(c.owners(100), func(id string) bool { return want[id].Chats == 0 })
	require.NotEmpty(t, owners)
	got := c.ownerRows(c.ago(1), c.ago(1), owners)
	require.Len(t, got, len(owners))
	for owner, row := range got {
		require.Equal(t, []int{want[owner].Chats, want[owner].Members}, []int{row.Chats, row.Members})
	}
}

func TestEndpointsAgree(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClient(t, Options{
			Seed:        rapid.Uint64().Draw(t, "seed"),
			Chats:       rapid.IntRange(1, 100).Draw(t, "chats"),
			Owners:      rapid.IntRange(2, 12).Draw(t, "owners"),
			MeanMembers: 5, MaxMembers: 20,
			StatsOnly:   rapid.Bool().Draw(t, "only"),
			StatRows:    rapid.SampledFrom([]RowRule{RowsOnceOwned, RowsOwning, RowsAll}).Draw(t, "rows"),
			Corrections: rapid.SampledFrom([]int{-1, 0, 300}).Draw(t, "corrections"),
			StatPageMax: rapid.IntRange(0, 3).Draw(t, "page"),
		})
		c.advance(time.Duration(rapid.IntRange(0, 100*day).Draw(t, "later")) * time.Second)
		c.login()
		begin := rapid.IntRange(1, 180).Draw(t, "begin")
		end := rapid.IntRange(max(1, begin-29), begin).Draw(t, "end")
		owners := rapid.SliceOfNDistinct(rapid.SampledFrom(c.owners(100)), 1, 5, rapid.ID).Draw(t, "filter")
		now := c.sim.Now()

		all := c.dayRows(c.ago(begin), c.ago(end), owners)
		ranges := map[string]period{}
		for back := begin; back >= end; back-- {
			date := c.ago(back)
			var sum Figures
			byOwner := c.ownerRows(date, date, owners)
			for _, owner := range owners {
				f, row := c.sim.OwnerDay(owner, date.Add(20*time.Hour), now)
				got, answered := byOwner[owner]
				require.Equal(t, row, answered)
				if !row {
					continue
				}
				require.Equal(t, data(f), got)
				sum = sum.plus(f)
				p := ranges[owner]
				p.add(f)
				ranges[owner] = p
			}
			total, row := c.sim.DayTotal(slices.Concat(owners, owners, []string{"nobody"}), date, now)
			require.Equal(t, sum, total)
			require.Equal(t, len(byOwner) > 0, row)
			got, answered := all[date.Unix()]
			require.Equal(t, row, answered)
			require.Equal(t, data(total), got)
		}
		whole := c.ownerRows(c.ago(begin), c.ago(end), owners)
		require.Len(t, whole, len(ranges))
		for owner, p := range ranges {
			require.Equal(t, data(p.figures()), whole[owner])
			one := c.dayRows(c.ago(begin), c.ago(end), []string{owner})
			require.Len(t, one, p.days)
			f, row := c.sim.OwnerRange(owner, c.ago(begin), c.ago(end), now)
			require.True(t, row)
			require.Equal(t, data(f), whole[owner])
		}
	})
}

func TestRangeOfDays(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var p period
		var sum, last, peak Figures
		n := rapid.IntRange(1, 30).Draw(t, "days")
		for range n {
			f := Figures{
				NewChatCnt: rapid.IntRange(0, 3).Draw(t, "new chats"), ChatTotal: rapid.IntRange(0, 50).Draw(t, "chats"),
				NewMemberCnt: rapid.IntRange(0, 9).Draw(t, "new members"), MemberTotal: rapid.IntRange(0, 500).Draw(t, "members"),
				MsgTotal: rapid.IntRange(0, 900).Draw(t, "messages"),
			}
			f.ChatHasMsg = rapid.IntRange(0, f.ChatTotal).Draw(t, "chats with messages")
			f.MemberHasMsg = rapid.IntRange(0, f.MemberTotal).Draw(t, "senders")
			p.add(f)
			sum, last, peak = sum.plus(f), f, peak.most(f)
		}
		got := p.figures()
		if n == 1 {
			require.Equal(t, last, got)
		}
		require.Equal(t, []int{sum.NewChatCnt, sum.NewMemberCnt, sum.MsgTotal}, []int{got.NewChatCnt, got.NewMemberCnt, got.MsgTotal})
		require.Equal(t, []int{last.ChatTotal, last.MemberTotal}, []int{got.ChatTotal, got.MemberTotal})
		for _, bounds := range [][3]int{
			{peak.ChatHasMsg, got.ChatHasMsg, sum.ChatHasMsg},
			{peak.MemberHasMsg, got.MemberHasMsg, sum.MemberHasMsg},
		} {
			require.True(t, slices.IsSorted(bounds[:]), "as many as on the best day, at most the sum: %v", bounds)
		}
	})
}

func TestStatisticsAreAPureFunction(t *testing.T) {
	t.Parallel()
	for _, only := range []bool{false, true} {
		o := Options{Seed: 8, Chats: 80, StatsOnly: only, Education: true}
		ask := func(c *client) []string {
			var all []string
			for _, back := range []int{180, 100, 31, 1} {
				body := asking(c.ago(back), c.ago(max(1, back-29)), c.owners(100), "")
				for _, endpoint := range []string{EndpointStatistic, EndpointStatisticByDay} {
					all = append(all, string(c.raw(http.MethodPost, c.path(endpoint), body)))
				}
			}
			return all
		}
		stepping, leaping := newClient(t, o), newClient(t, o)
		for range 30 {
			stepping.advance(10 * 24 * time.Hour)
			stepping.login()
			ask(stepping)
		}
		leaping.advance(300 * 24 * time.Hour)
		leaping.login()
		want := ask(leaping)
		require.Equal(t, want, ask(stepping), "what was asked before counts for nothing, nor what was dropped")
		require.Equal(t, want, ask(leaping))

		o.Start = defaultStart.In(time.FixedZone("PST", -8*60*60))
		elsewhere := newClient(t, o)
		elsewhere.advance(300 * 24 * time.Hour)
		elsewhere.login()
		require.Equal(t, want, ask(elsewhere), "days are China's wherever the host is")

		o.Seed++
		other := newClient(t, o)
		other.advance(300 * 24 * time.Hour)
		other.login()
		require.NotEqual(t, want, ask(other))
	}
}

func TestHalfAYearOfHistory(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Chats: 600, Corrections: -1})
	owners := c.owners(100)
	var before Figures
	joined := map[bool]int{}
	for back := 180; back >= 1; back-- {
		f, row := c.sim.DayTotal(owners, c.ago(back), c.sim.Now())
		require.True(t, row)
		require.Positive(t, f.MsgTotal)
		require.GreaterOrEqual(t, f.ChatTotal, before.ChatTotal-20, "a chat passes out of the filter when an owner resigns")
		joined[back > 90] += f.NewMemberCnt
		before = f
	}
	first, _ := c.sim.DayTotal(owners, c.ago(180), c.sim.Now())
	require.InDelta(t, 600, before.ChatTotal, 60)
	require.Less(t, first.ChatTotal, before.ChatTotal*95/100)
	require.Greater(t, first.ChatTotal, before.ChatTotal/2)
	require.Less(t, first.MemberTotal, before.MemberTotal*95/100)
	require.Positive(t, joined[true])
	require.Positive(t, joined[false])
}

func TestDrawnStatisticsAddUp(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 2, Chats: 1, Owners: 300, StatsOnly: true, Education: true, Corrections: -1})
	now := c.sim.Now()
	differ := map[Figures]bool{}
	for _, owner := range c.owners(40) {
		before, row := c.sim.OwnerDay(owner, c.ago(181), now)
		require.True(t, row)
		for back := 180; back >= 1; back-- {
			f, row := c.sim.OwnerDay(owner, c.ago(back), now)
			require.True(t, row)
			requireSound(t, f)
			require.Equal(t, before.ChatTotal+f.NewChatCnt, f.ChatTotal)
			require.LessOrEqual(t, f.MemberTotal, before.MemberTotal+f.NewMemberCnt)
			before, differ[f] = f, true
		}
	}
	require.Greater(t, len(differ), 40*180*9/10)
}

func TestStatisticRefusals(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Owners: 120})
	ids := c.owners(200)
	require.Greater(t, len(ids), 101)
	one := ids[:1]
	both := []string{EndpointStatistic, EndpointStatisticByDay}
	byOwner := both[:1]
	seconds := func(from, to int64) string {
		return fmt.Sprintf(`{"day_begin_time":%d,"day_end_time":%d,"owner_filter":{"userid_list":[%q]}}`, from, to, ids[0])
	}
	yesterday := c.ago(1).Unix()
	for name, tc := range map[string]struct {
		at   []string
		body string
		code int
	}{
		"thirty days":             {both, asking(c.ago(30), c.ago(1), one, ""), codeOK},
		"thirty-one days":         {both, asking(c.ago(31), c.ago(1), one, ""), codeBadTime},
		"the last second":         {both, seconds(yesterday+day-1, yesterday+day-1), codeOK},
		"today":                   {both, asking(c.ago(0), c.ago(0), one, ""), codeBadTime},
		"up to today":             {both, asking(c.ago(5), c.ago(0), one, ""), codeBadTime},
		"tomorrow":                {both, asking(c.ago(-1), c.ago(-1), one, ""), codeBadTime},
		"the oldest day":          {both, asking(c.ago(180), c.ago(180), one, ""), codeOK},
		"a day too old":           {both, asking(c.ago(181), c.ago(181), one, ""), codeBadTime},
		"from a day too old":      {both, asking(c.ago(181), c.ago(160), one, ""), codeBadTime},
		"the end before begin":    {both, asking(c.ago(3), c.ago(4), one, ""), codeBadTime},
		"back within a day":       {both, seconds(yesterday+500, yesterday), codeOK},
		"milliseconds":            {both, seconds(yesterday*1000, yesterday*1000), codeBadTime},
		"end in milliseconds":     {both, seconds(yesterday, yesterday*1000), codeBadTime},
		"the end of all integers": {both, seconds(1<<63-1, 1<<63-1), codeBadTime},
		"before 1970":             {both, seconds(-1<<63, -1<<63), codeBadTime},
		"begin only":              {both, fmt.Sprintf(`{"day_begin_time":%d}`, yesterday), codeOK},
		"null for absent":         {both, fmt.Sprintf(`{"day_begin_time":%d,"day_end_time":null,"owner_filter":null}`, yesterday), codeOK},
		"no begin":                {both, fmt.Sprintf(`{"day_end_time":%d}`, yesterday), codeEmptyParameter},
		"no body":                 {both, ``, codeEmptyParameter},
		"an end of 0":             {both, seconds(yesterday, 0), codeBadTime},
		"time as text":            {both, `{"day_begin_time":"1"}`, codeBadRequest},
		"a misspelt filter":       {both, fmt.Sprintf(`{"day_begin_time":%d,"owner_filer":{}}`, yesterday), codeBadRequest},
		"a hundred owners":        {both, asking(c.ago(1), c.ago(1), ids[:100], ""), codeOK},
		"a hundred and one":       {both, asking(c.ago(1), c.ago(1), ids[:101], ""), codeBadUserList},
		"an owner twice":          {both, asking(c.ago(1), c.ago(1), []string{ids[0], ids[0]}, ""), codeOK},
		"an unknown owner":        {both, asking(c.ago(1), c.ago(1), []string{ids[0], "nobody"}, ""), codeBadUserID},
		"a resigned owner":        {both, asking(c.ago(1), c.ago(1), []string{c.sim.tenant.staffID(2)}, ""), codeBadUserID},
		"an empty owner":          {both, asking(c.ago(1), c.ago(1), []string{""}, ""), codeBadUserID},
		"limit 1":                 {byOwner, asking(c.ago(1), c.ago(1), one, `,"limit":1`), codeOK},
		"limit 0":                 {byOwner, asking(c.ago(1), c.ago(1), one, `,"limit":0`), codeBadRequest},
		"limit 1001":              {byOwner, asking(c.ago(1), c.ago(1), one, `,"limit":1001`), codeBadRequest},
		"order 4 ascending":       {byOwner, asking(c.ago(1), c.ago(1), one, `,"order_by":4,"order_asc":1`), codeOK},
		"order 5":                 {byOwner, asking(c.ago(1), c.ago(1), one, `,"order_by":5`), codeBadArgument},
		"order upwards":           {byOwner, asking(c.ago(1), c.ago(1), one, `,"order_asc":2`), codeBadArgument},
		"an offset below 0":       {byOwner, asking(c.ago(1), c.ago(1), one, `,"offset":-1`), codeBadArgument},
		"pages of days":           {both[1:], asking(c.ago(1), c.ago(1), one, `,"limit":10`), codeBadRequest},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, endpoint := range tc.at {
				got := c.stat(endpoint, tc.body)
				require.Equal(t, tc.code, got.Errcode, got.Errmsg)
				if tc.code != codeOK {
					require.Empty(t, got.Items)
					require.Nil(t, got.Total)
				}
			}
		})
	}
	t.Run("get", func(t *testing.T) {
		t.Parallel()
		for _, endpoint := range both {
			checkRefused(t, c.parse(c.raw(http.MethodGet, c.path(endpoint), "")), codeBadRequest)
		}
	})
}

func TestTheOldestDayIsAnOption(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{StatDaysBack: 179})
	one := c.owners(1)
	require.Equal(t, codeOK, c.stat(EndpointStatistic, asking(c.ago(179), c.ago(179), one, "")).Errcode)
	require.Equal(t, codeBadTime, c.stat(EndpointStatistic, asking(c.ago(180), c.ago(180), one, "")).Errcode)
}

func TestMidnightAndTheReadyHour(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Chats: 100, Start: time.Date(2026, 11, 1, 23, 59, 59, 0, chinaTime), Corrections: -1})
	owners := c.owners(100)
	begin := c.ago(0)
	day1 := asking(begin, begin, owners, "")
	require.Equal(t, codeBadTime, c.stat(EndpointStatistic, day1).Errcode)
	require.Equal(t, codeBadTime, c.stat(EndpointStatisticByDay, day1).Errcode)
	_, row := c.sim.OwnerDay(owners[0], begin, c.sim.Now())
	require.False(t, row, "the day is not over")

	zero := func() {
		t.Helper()
		rows := c.ownerRows(begin, begin, owners)
		require.NotEmpty(t, rows)
		for _, row := range rows {
			require.Equal(t, statData{}, row)
		}
		require.Equal(t, map[int64]statData{begin.Unix(): {}}, c.dayRows(begin, begin, owners))
	}
	before := c.dayRows(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, -1), owners)
	c.advance(time.Second)
	require.Equal(t, begin.AddDate(0, 0, 1), c.sim.Now().In(chinaTime))
	zero()
	require.Equal(t, before, c.dayRows(begin.AddDate(0, 0, -1), begin.AddDate(0, 0, -1), owners), "only yesterday is not ready")
	c.advance(6*time.Hour - time.Second)
	c.login()
	zero()
	c.advance(time.Second)
	ready := c.dayRows(begin, begin, owners)
	require.Positive(t, ready[begin.Unix()].Messages)
	c.advance(100 * time.Hour)
	c.login()
	require.Equal(t, ready, c.dayRows(begin, begin, owners))
}

func TestReadyAtOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Start: time.Date(2026, 11, 2, 0, 0, 0, 0, chinaTime), ReadyHour: -1})
	rows := c.dayRows(c.ago(1), c.ago(1), c.owners(100))
	require.Positive(t, rows[c.ago(1).Unix()].Chats)
}

// Each owner-day is asked every half day from its end on.
func TestCorrections(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		permille, least, most int
	}{
		"by default": {0, 20, 80}, // 2 % of 40 owners' 60 days, of which some show nothing
		"many":       {1000, 1200, 2400},
		"none":       {-1, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newSim(t, Options{Seed: 3, Owners: 40, StatsOnly: true, Corrections: tc.permille})
			owners := s.FollowUsers(s.Now())
			changes, kinds := 0, map[string]int{}
			for d := range 60 {
				date := time.Date(2026, 9, 1+d, 0, 0, 0, 0, chinaTime)
				for _, owner := range owners {
					changes += follow(t, s, owner, date, kinds)
				}
			}
			require.GreaterOrEqual(t, changes, tc.least, "%v", kinds)
			require.LessOrEqual(t, changes, tc.most, "%v", kinds)
			if tc.permille == 1000 {
				for _, kind := range []string{"day 2", "day 3", "grew", "shrank", "appeared", "vanished"} {
					require.Greater(t, kinds[kind], 50, "%v", kinds)
				}
			}
		})
	}
}

func TestCorrectedFiguresAreSound(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		var f Figures
		f.ChatTotal = rapid.IntRange(0, 9).Draw(t, "chats")
		f.MemberTotal = f.ChatTotal * rapid.IntRange(1, 9).Draw(t, "members of each")
		f.NewMemberCnt = rapid.IntRange(0, f.MemberTotal).Draw(t, "new members")
		if f.ChatHasMsg = rapid.IntRange(0, f.ChatTotal).Draw(t, "chats with messages"); f.ChatHasMsg > 0 {
			f.MemberHasMsg = rapid.IntRange(f.ChatHasMsg, f.MemberTotal).Draw(t, "senders")
			f.MsgTotal = f.MemberHasMsg + rapid.IntRange(0, 9).Draw(t, "more messages")
		}
		requireSound(t, f)
		c := correction{
			kind:  rapid.IntRange(correctLate, correctVanishes).Draw(t, "kind"),
			drawn: rapid.Uint64().Draw(t, "drawn"),
		}
		before, row := c.before(f, false)
		require.Equal(t, c.kind != correctAppears, row)
		requireSound(t, before)
		after, row := c.before(f, true)
		require.Equal(t, c.kind != correctVanishes, row)
		require.Equal(t, f, after)
		if f.MsgTotal > 0 && c.kind < correctAppears {
			require.NotEqual(t, f.MsgTotal, before.MsgTotal)
		}
	})
}

// follow watches one owner-day for ten days and returns how often it changed.
func follow(t *testing.T, s *Sim, owner string, date time.Time, kinds map[string]int) (changes int) {
	t.Helper()
	ready := date.AddDate(0, 0, 1).Add(6 * time.Hour)
	early, _ := s.OwnerDay(owner, date, ready.Add(-time.Second))
	require.Equal(t, Figures{}, early)
	was, wasThere := s.OwnerDay(owner, date, ready)
	for half := 1; half < 20; half++ {
		at := ready.Add(time.Duration(half) * 12 * time.Hour)
		is, there := s.OwnerDay(owner, date, at)
		if there == wasThere && is == was {
			continue
		}
		changes++
		require.Contains(t, []int{2, 4}, half, "at the ready hour of day 2 or 3")
		kinds[fmt.Sprintf("day %d", 1+half/2)]++
		switch {
		case !wasThere:
			kinds["appeared"]++
		case !there:
			kinds["vanished"]++
		case is.MsgTotal < was.MsgTotal:
			kinds["shrank"]++
		default:
			kinds["grew"]++
			require.GreaterOrEqual(t, is.NewMemberCnt, was.NewMemberCnt)
		}
		for _, f := range []Figures{is, was} {
			requireSound(t, f)
		}
		was, wasThere = is, there
	}
	require.LessOrEqual(t, changes, 1)
	return changes
}

func TestStatisticPagesAndOrder(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClient(t, Options{
			Seed: rapid.Uint64().Draw(t, "seed"), Chats: 1, Owners: rapid.IntRange(2, 120).Draw(t, "owners"),
			StatsOnly: true, StatPageMax: rapid.SampledFrom([]int{0, 1, 7, 1000}).Draw(t, "page max"),
		})
		owners := c.owners(100)
		orderBy, ascending := rapid.IntRange(0, 4).Draw(t, "order"), rapid.IntRange(0, 1).Draw(t, "asc")
		limit := rapid.IntRange(1, 130).Draw(t, "limit")
		size := limit
		if c.sim.opt.StatPageMax > 0 {
			size = min(size, c.sim.opt.StatPageMax)
		}
		seen, keys := map[string]bool{}, []int{}
		for offset := 0; ; {
			more := fmt.Sprintf(`,"order_by":%d,"order_asc":%d,"offset":%d,"limit":%d`, orderBy, ascending, offset, limit)
			got := c.stat(EndpointStatistic, asking(c.ago(1), c.ago(1), owners, more))
			require.Equal(t, 0, got.Errcode, got.Errmsg)
			require.Len(t, got.Items, min(size, *got.Total-offset))
			require.Equal(t, offset+len(got.Items), *got.NextOffset)
			for _, item := range got.Items {
				require.False(t, seen[item.Owner])
				seen[item.Owner] = true
				d := item.Data
				keys = append(keys, [...]int{d.NewChats, d.NewChats, d.Chats, d.NewMembers, d.Members}[orderBy])
			}
			if offset = *got.NextOffset; offset == *got.Total {
				break
			}
		}
		if ascending == 0 {
			slices.Reverse(keys)
		}
		require.True(t, slices.IsSorted(keys), "%v", keys)
		require.Len(t, c.ownerRows(c.ago(1), c.ago(1), owners), len(seen))

		beyond := c.stat(EndpointStatistic, asking(c.ago(1), c.ago(1), owners, `,"offset":5000`))
		require.Empty(t, beyond.Items)
		require.Equal(t, *beyond.Total, *beyond.NextOffset)
	})
}

func TestWhoHasARow(t *testing.T) {
	t.Parallel()
	rows := map[RowRule]map[string]statData{}
	var hired string
	for _, rule := range []RowRule{RowsOnceOwned, RowsOwning, RowsAll} {
		c := newClient(t, Options{Seed: 5, Chats: 60, Owners: 50, StatRows: rule, Corrections: -1})
		c.advance(300 * 24 * time.Hour)
		c.login()
		list := c.follow().FollowUser
		hired = list[len(list)-1]
		owners := list[max(0, len(list)-100):]
		rows[rule] = c.ownerRows(c.ago(1), c.ago(1), owners)
		require.Equal(t, rule == RowsAll, len(rows[rule]) == len(owners))
		require.Equal(t, rule == RowsAll, len(c.dayRows(c.ago(30), c.ago(1), []string{hired})) > 0)
		require.Equal(t, c.ownerRows(c.ago(1), c.ago(1), owners[:1]),
			c.ownerRows(c.ago(1), c.ago(1), []string{owners[0], owners[0]}), "who is asked for twice is told once")
		_, row := c.sim.OwnerDay(hired, defaultStart, defaultStart.AddDate(0, 0, 1))
		require.False(t, row, "not yet hired")
	}
	require.Less(t, len(rows[RowsOwning]), len(rows[RowsOnceOwned]))
	require.Less(t, len(rows[RowsOnceOwned]), len(rows[RowsAll]))
	zeros := 0
	for owner, row := range rows[RowsAll] {
		got, listed := rows[RowsOwning][owner]
		require.Equal(t, row.Chats > 0, listed)
		if listed {
			require.Equal(t, row, got)
		}
		if once, listed := rows[RowsOnceOwned][owner]; listed && once == (statData{}) {
			zeros++
		}
	}
	require.Positive(t, zeros, "somebody has no chat any more")
}

func TestOwnersOutOfSight(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Owners: 30})
	owners := c.owners(20)
	both := []string{EndpointStatistic, EndpointStatisticByDay}
	ask := func(filter []string) (codes []int) {
		for _, endpoint := range both {
			codes = append(codes, c.stat(endpoint, asking(c.ago(1), c.ago(1), filter, "")).Errcode)
		}
		return codes
	}
	all := c.ownerRows(c.ago(1), c.ago(1), nil)
	require.Contains(t, all, owners[3])

	require.NoError(t, c.sim.Hide(0, owners[3]))
	require.NoError(t, c.sim.Hide(codeOutOfSight, "#0"))
	require.Equal(t, []int{codeNoRight, codeNoRight}, ask(owners[3:]))
	require.Equal(t, []int{codeOutOfSight, codeOutOfSight}, ask([]string{c.sim.tenant.staffID(0)}))
	require.Equal(t, []int{0, 0}, ask(owners[4:]))
	without := c.ownerRows(c.ago(1), c.ago(1), nil)
	require.NotContains(t, without, owners[3])
	require.Len(t, without, len(all)-2)
	require.Contains(t, c.owners(20), owners[3], "the other endpoints still show them")
	_, row := c.sim.OwnerDay(owners[3], c.ago(1), c.sim.Now())
	require.True(t, row, "the truth is not hidden")

	require.ErrorContains(t, c.sim.Hide(0, "#1", "nobody"), `no owner "nobody"`)
	require.Len(t, c.sim.Hidden(), 2)
	require.NoError(t, c.sim.Unhide("#0"))
	require.Equal(t, map[string]int{owners[3]: codeNoRight}, c.sim.Hidden())
	require.NoError(t, c.sim.Unhide())
	require.Equal(t, []int{0, 0}, ask(owners))
}

func TestOwnersOutOfSightByControl(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	owner := c.owners(1)[0]
	hidden := func(method, body string) map[string]int {
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, httptest.NewRequest(method, "/_sim/hidden", strings.NewReader(body)))
		require.Equal(t, http.StatusOK, w.Code, w.Body)
		var got map[string]int
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), &got))
		return got
	}
	require.Equal(t, map[string]int{owner: codeNoRight}, hidden(http.MethodPost, `{"owners":["`+owner+`"]}`))
	require.Equal(t, map[string]int{owner: 50002}, hidden(http.MethodPost, `{"owners":["`+owner+`"],"code":50002}`))
	require.Equal(t, map[string]int{owner: 50002}, hidden(http.MethodGet, ""))
	require.Empty(t, hidden(http.MethodDelete, ""))
	w := httptest.NewRecorder()
	c.sim.ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/_sim/hidden", strings.NewReader(`{"owners":["nobody"]}`)))
	require.Equal(t, http.StatusBadRequest, w.Code)
}

func TestStatisticsOfTooManyPeople(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Owners: 30, VisibleMax: 20})
	for _, endpoint := range []string{EndpointStatistic, EndpointStatisticByDay} {
		require.Equal(t, codeTooManyPeople, c.stat(endpoint, asking(c.ago(1), c.ago(1), nil, "")).Errcode)
		require.Equal(t, codeOK, c.stat(endpoint, asking(c.ago(1), c.ago(1), c.owners(25), "")).Errcode)
	}
}

func TestResignedOwnersInStatistics(t *testing.T) {
	t.Parallel()
	for _, rule := range []ResignedRule{ResignedUnfiltered, ResignedFiltered} {
		c := newClient(t, Options{Seed: 1, Chats: 500, Resigned: rule, Corrections: -1})
		gone := c.sim.tenant.staffID(2)
		filtered := c.stat(EndpointStatistic, asking(c.ago(1), c.ago(1), []string{gone}, ""))
		everybody := c.ownerRows(c.ago(1), c.ago(1), nil)
		if rule == ResignedUnfiltered {
			require.Equal(t, codeBadUserID, filtered.Errcode)
			require.Positive(t, everybody[gone].Chats)
		} else {
			require.NotContains(t, everybody, gone)
			require.Positive(t, filtered.Items[0].Data.Chats)
		}
	}
}

func TestStatisticCallsAreCountedAndScripted(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Limits: Limits{PerMinute: 2}})
	body := asking(c.ago(1), c.ago(1), c.owners(1), "")
	bad := &client{t: t, sim: c.sim, token: "bad"}
	require.Equal(t, codeBadToken, bad.stat(EndpointStatistic, body).Errcode)
	c.stat(EndpointStatistic, body)
	c.stat(EndpointStatistic, body)
	require.Equal(t, codeTooOften, c.stat(EndpointStatistic, body).Errcode)
	require.Equal(t, codeOK, c.stat(EndpointStatisticByDay, body).Errcode, "it has its own budget")
	require.Equal(t, map[int]int{codeBadToken: 1, 0: 2, codeTooOften: 1}, c.sim.Calls()[EndpointStatistic].Codes)

	var seen []string
	c.sim.SetScript(Script{OnResponse: func(r Response) { seen = append(seen, r.Request.Endpoint) }})
	c.stat(EndpointStatisticByDay, body)
	require.Equal(t, []string{EndpointStatisticByDay}, seen)
}

// shape is a JSON value with every number and string replaced by its kind.
func shape(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for key := range v {
			v[key] = shape(v[key])
		}
		return v
	case []any:
		shapes := map[string]any{}
		for _, e := range v {
			shapes[fmt.Sprint(shape(e))] = shape(e)
		}
		return shapes
	default:
		return fmt.Sprintf("%T", v)
	}
}

func TestAnswersHaveTheShapeOfTheSamples(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Start: time.Date(2020, 9, 20, 9, 0, 0, 0, chinaTime), Education: true})
	sample, err := os.ReadFile("testdata/groupchat_statistic.request.json")
	require.NoError(t, err)
	request := strings.ReplaceAll(string(sample), "zhangsan", c.owners(1)[0])
	for endpoint, tc := range map[string]struct{ file, body string }{
		EndpointStatistic: {"testdata/groupchat_statistic.response.json", request},
		EndpointStatisticByDay: {
			"testdata/groupchat_statistic_group_by_day.response.json", asking(c.ago(9), c.ago(2), c.owners(3), ""),
		},
	} {
		sample, err := os.ReadFile(tc.file)
		require.NoError(t, err)
		var want, got any
		require.NoError(t, json.Unmarshal(sample, &want))
		require.NoError(t, json.Unmarshal(c.raw(http.MethodPost, c.path(endpoint), tc.body), &got))
		require.Equal(t, shape(want), shape(got))
	}
}

func TestOddStatistics(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 1, Chats: 400, Odd: true})
	for _, endpoint := range []string{EndpointStatistic, EndpointStatisticByDay} {
		var all string
		for back := 1; back < 150; back++ {
			all += string(c.raw(http.MethodPost, c.path(endpoint), asking(c.ago(back), c.ago(back), c.owners(9), "")))
		}
		for _, part := range []string{`"msg_total":"`, `"msg_total":1`, `"redpacket_cnt":`, `"migrate_trainee_chat_cnt":null`} {
			require.Contains(t, all, part)
		}
	}
}
