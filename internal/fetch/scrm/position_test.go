package scrm

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

func TestPositionAfter(t *testing.T) {
	t.Parallel()
	// A list of 120 groups in pages of 50, read as far as page 1.
	one := position{Page: 2, Size: 50, Total: 120, Latest: 120, IDs: "one"}
	two := position{Page: 3, Size: 50, Total: 120, Latest: 120, IDs: "two"}
	down := position{Page: 2, Size: 50, Total: 120, Latest: 119, Down: true, Shifted: true}
	for name, tc := range map[string]struct {
		at   position
		told listing
		want position
		last bool
		err  string
		// class of err, malformed if 0.
		class fetch.Class
	}{
		"the head": {
			at: position{Page: 1, Size: 50}, told: listing{page: 1, size: 50, total: 120, pages: 3, rows: 50, ids: "one"}, want: one,
		},
		"the head, no size told": {
			at: position{Page: 1, Size: 50}, told: listing{page: 1, total: 120, pages: 3, rows: 50, ids: "one"}, want: one,
		},
		"the head, clamped": {
			at: position{Page: 1, Size: 100}, told: listing{page: 1, size: 50, total: 120, pages: 3, rows: 50, ids: "one"}, want: one,
		},
		"the middle":   {at: one, told: listing{page: 2, size: 50, total: 120, pages: 3, rows: 50, ids: "two"}, want: two},
		"the last":     {at: two, told: listing{page: 3, size: 50, total: 120, pages: 3, rows: 20, ids: "three"}, last: true},
		"an only page": {at: position{Page: 1, Size: 50}, told: listing{page: 1, size: 50, total: 50, pages: 1, rows: 50}, last: true},
		"nothing":      {at: position{Page: 1, Size: 50}, told: listing{size: 50}, last: true},
		"nothing on one page": {
			at: position{Page: 1, Size: 50}, told: listing{page: 1, size: 50, pages: 1}, last: true,
		},
		"the number of pages is too small": {
			at: one, told: listing{page: 2, size: 50, total: 120, pages: 1, rows: 50, ids: "two"}, want: two,
		},
		"the number of pages is too great": {
			at: two, told: listing{page: 3, size: 50, total: 120, pages: 4, rows: 20, ids: "three"},
			want: position{Page: 4, Size: 50, Total: 120, Latest: 120, IDs: "three"},
		},
		"a short page": {
			at: one, told: listing{page: 2, size: 50, total: 120, pages: 3, rows: 49, ids: "two"},
			want: position{Page: 3, Size: 50, Total: 120, Latest: 120, IDs: "two", Shifted: true},
		},
		"a short last page": {
			at: two, told: listing{page: 3, size: 50, total: 120, pages: 3, rows: 19, ids: "three"}, last: true,
			want: position{Shifted: true},
		},
		"fewer groups": {
			at: one, told: listing{page: 2, size: 50, total: 119, pages: 3, rows: 50, ids: "two"},
			want: position{Page: 3, Size: 50, Total: 120, Latest: 119, Down: true, Shifted: true},
		},
		"more groups": {
			at: one, told: listing{page: 2, size: 50, total: 121, pages: 3, rows: 50, ids: "two"},
			want: position{Page: 3, Size: 50, Total: 120, Latest: 121, Down: true, Shifted: true},
		},
		"fewer groups, seen on the last page": {
			at: two, told: listing{page: 3, size: 50, total: 119, pages: 3, rows: 19, ids: "three"},
			want: position{Page: 2, Size: 50, Total: 120, Latest: 119, Down: true, Shifted: true},
		},
		"the page is beyond the end now": {
			at: two, told: listing{page: 3, size: 50, total: 100, pages: 2},
			want: position{Page: 2, Size: 50, Total: 120, Latest: 100, Down: true, Shifted: true},
		},
		"the page is beyond the end now and the last one came": {
			at: two, told: listing{page: 2, size: 50, total: 100, pages: 2, rows: 50, ids: "two"},
			want: position{Page: 1, Size: 50, Total: 120, Latest: 100, Down: true, Shifted: true},
		},
		"all have gone": {at: two, told: listing{size: 50}, last: true, want: position{Shifted: true}},
		"the size has changed": {
			at: one, told: listing{page: 2, size: 20, total: 120, pages: 6, rows: 20, ids: "two"},
			want: position{Page: 6, Size: 20, Total: 120, Latest: 120, Down: true, Shifted: true},
		},
		"downwards": {
			at: down, told: listing{page: 2, size: 50, total: 118, pages: 3, rows: 50, ids: "two"},
			want: position{Page: 1, Size: 50, Total: 120, Latest: 118, Down: true, Shifted: true},
		},
		"downwards, much has gone": {
			at:   position{Page: 9, Size: 10, Total: 100, Latest: 90, Down: true, Shifted: true},
			told: listing{page: 9, size: 10, total: 31, pages: 4},
			want: position{Page: 4, Size: 10, Total: 100, Latest: 31, Down: true, Shifted: true},
		},
		"downwards, the end": {
			at:   position{Page: 1, Size: 50, Total: 120, Latest: 119, Down: true, Shifted: true},
			told: listing{page: 1, size: 50, total: 119, pages: 3, rows: 50, ids: "one"}, last: true,
			want: position{Shifted: true},
		},

		"another page": {
			at: one, told: listing{page: 1, size: 50, total: 120, pages: 3, rows: 50, ids: "x"}, err: "page 2 was asked for and page 1 came",
		},
		"another head": {
			at: position{Page: 1, Size: 50}, told: listing{size: 50, total: 120, pages: 3, rows: 50}, err: "page 1 was asked for and page 0 came",
		},
		"the same groups": {
			at: one, told: listing{page: 2, size: 50, total: 120, pages: 3, rows: 50, ids: "one"}, err: "the vendor does not heed pageNo",
		},
		"the same groups, but fewer in all": {
			at: one, told: listing{page: 2, size: 50, total: 70, pages: 2, rows: 20, ids: "one"},
			want: position{Page: 1, Size: 50, Total: 120, Latest: 70, Down: true, Shifted: true},
		},
		"too many pages": {
			at: position{Page: 1, Size: 1}, told: listing{page: 1, size: 1, total: pagesMax + 1, rows: 1}, err: "has 20001 pages",
		},
		"the size changes on the way down": {
			at: down, told: listing{page: 2, size: 20, total: 119, pages: 6, rows: 20, ids: "x"},
			err: "has changed on the way down, from 50 to 20", class: fetch.ClassCursorGone,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			next, last, err := tc.at.after(tc.told)
			if tc.err != "" {
				require.ErrorContains(t, err, tc.err)
				require.Equal(t, cmp.Or(tc.class, fetch.ClassMalformed), fetch.ClassOf(err))
				return
			}
			require.NoError(t, err)
			require.Equal(t, tc.last, last)
			if last {
				require.Equal(t, tc.want.Shifted, next.Shifted)
				return
			}
			require.Equal(t, tc.want, next)
		})
	}
}

func TestHashOfIDs(t *testing.T) {
	t.Parallel()
	hash := func(ids ...string) string {
		var chats []model.Chat
		for _, id := range ids {
			chats = append(chats, model.Chat{ID: id})
		}
		return hashIDs(chats)
	}
	require.Empty(t, hash())
	require.Equal(t, hash("a", "b"), hash("b", "a", "b"))
	require.NotEqual(t, hash("a", "b"), hash("ab"))
	require.NotEqual(t, hash("a"), hash("a", "b"))
}

// fakeList is a vendor whose list changes while it is read, by one random
// schedule.
type fakeList struct {
	dice *rand.Rand
	// groups are in the order of the list, newest first.
	groups []fakeGroup
	serial int
	until  time.Time
	// inclusive is how the vendor reads its bound; sizeMax clamps pages; lastForBeyond
	// answers with the last page when one beyond the end is asked for.
	inclusive, lastForBeyond bool
	sizeMax                  int
	hazards
	// left are groups that have gone.
	left map[string]bool
}

// hazards are what a schedule may do.
type hazards struct {
	// vanish, arrive: groups go between two pages; old groups come.
	vanish, arrive bool
	// within: groups go while one answer is made. unstable: the order of the list
	// changes.
	within, unstable bool
	// resize: pages become smaller on the way.
	resize bool
}

// quiet says that what moves can only move up, between answers.
func (h hazards) quiet() bool { return !h.arrive && !h.within && !h.unstable && !h.resize }

type fakeGroup struct {
	id      string
	created time.Time
}

func newFakeList(seed uint64) *fakeList {
	dice := rand.New(rand.NewPCG(seed, 5))
	maybe := func(of int) bool { return dice.IntN(of) == 0 }
	f := &fakeList{
		dice: dice, until: time.Date(2026, 3, 1, 15, 59, 59, 0, time.UTC), left: map[string]bool{},
		inclusive: maybe(2), lastForBeyond: maybe(2), sizeMax: 2 + dice.IntN(20),
		hazards: hazards{vanish: !maybe(5), arrive: maybe(5), within: maybe(5), unstable: maybe(8), resize: maybe(8)},
	}
	// Without an order, a page of few groups can have those of the one before.
	f.unstable = f.unstable && f.sizeMax >= 10
	for range dice.IntN(50) {
		f.add(f.until.Add(-time.Duration(dice.IntN(100)) * time.Second)) // some in the very second of the bound
	}
	f.sort()
	return f
}

func (f *fakeList) add(created time.Time) {
	f.serial++
	f.groups = append(f.groups, fakeGroup{fmt.Sprintf("wr%04d", f.serial), created})
}

func (f *fakeList) sort() {
	slices.SortStableFunc(f.groups, func(a, b fakeGroup) int { return b.created.Compare(a.created) })
}

// drop takes up to most groups away and reports whether it took any that the bound
// lets through.
func (f *fakeList) drop(most int) bool {
	some := false
	for range f.dice.IntN(most + 1) {
		if len(f.groups) == 0 {
			break
		}
		i := f.dice.IntN(len(f.groups))
		some = some || !f.groups[i].created.After(f.until)
		f.left[f.groups[i].id] = true
		f.groups = slices.Delete(f.groups, i, i+1)
	}
	return some
}

// change is what happens between two requests. Never do as many old groups come as
// go: no number would tell.
func (f *fakeList) change() {
	for range f.dice.IntN(3) { // new groups come all the time, on top
		f.add(f.until.Add(time.Duration(2+f.dice.IntN(1000)) * time.Second))
	}
	gone := f.vanish && f.dice.IntN(4) == 0 && f.drop(2)
	if f.arrive && !gone && f.dice.IntN(4) == 0 {
		f.add(f.until.Add(-time.Duration(f.dice.IntN(100)) * time.Second))
	}
	f.sort()
	if f.unstable {
		f.dice.Shuffle(len(f.groups), func(i, j int) { f.groups[i], f.groups[j] = f.groups[j], f.groups[i] })
	}
	if f.resize && f.dice.IntN(8) == 0 {
		f.sizeMax, f.resize = max(f.sizeMax/2, 1), false
	}
}

// visible are the groups that the request lets through.
func (f *fakeList) visible(end time.Time) []fakeGroup {
	return slices.DeleteFunc(slices.Clone(f.groups), func(g fakeGroup) bool {
		return g.created.After(end) || !f.inclusive && g.created.Equal(end)
	})
}

func (f *fakeList) answer(r groupsRequest, zone *time.Location) string {
	f.change()
	end, err := time.ParseInLocation(timeSecond, r.EndCreateTime, zone)
	if err != nil {
		return failure(40400)
	}
	total := len(f.visible(end))
	if f.within && f.dice.IntN(3) == 0 {
		f.drop(2) // after counting, before selecting
	}
	size, page := min(int(r.PageSize), f.sizeMax), int(r.PageNo)
	pages := (total + size - 1) / size
	if f.lastForBeyond && page > pages {
		page = max(pages, 1)
	}
	var ids []string
	if rows := f.visible(end); (page-1)*size < len(rows) {
		for _, g := range rows[(page-1)*size : min(page*size, len(rows))] {
			ids = append(ids, g.id)
		}
	}
	return listAnswer(int64(page), int64(size), int64(total), int64(pages), ids...)
}

// walked is a chain that was followed to its end.
type walked struct {
	seen map[string]bool
	// restarted says that it began anew.
	shifted, restarted bool
	// total is what the last page says.
	total int64
	pages int
}

func follow(t *testing.T, c *Client, until time.Time) walked {
	t.Helper()
	chain := firstChain(c)
	chain.Bounds.Until = until
	w := walked{seen: map[string]bool{}}
	for cursor := ""; ; {
		page, err := c.Page(t.Context(), chain, cursor)
		if fetch.ClassOf(err) == fetch.ClassCursorGone && cursor != "" && !w.restarted {
			cursor, w.restarted = "", true // as a pass does, which then is drifted
			continue
		}
		require.NoError(t, err)
		for _, chat := range page.Chats {
			w.seen[chat.ID] = true
		}
		w.shifted, w.total = page.Shifted, *page.Total
		w.pages++
		require.Less(t, w.pages, 1000)
		if page.Last {
			return w
		}
		require.NotEqual(t, cursor, page.Next)
		cursor = page.Next
	}
}

// TestNoGroupIsMissed is the proof obligation of position, over 1,200 random
// schedules and real HTTP: a chain that ends without Shifted, and whose total is the
// number of different groups it has shown, has shown every group that was there all
// along. And where groups only vanish, between pages, any chain has.
func TestNoGroupIsMissed(t *testing.T) {
	t.Parallel()
	const schedules = 1200
	var lists sync.Map
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		list, _ := lists.Load(strings.Split(r.URL.Path, "/")[1])
		f, ok := list.(*fakeList)
		var ask groupsRequest
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil || !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, f.answer(ask, mustZone()))
	}))
	defer server.Close()
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()

	var certified, certifiedLong, shifted, turnedWell int
	for seed := range uint64(schedules) {
		f := newFakeList(seed)
		lists.Store(fmt.Sprint(seed), f)
		before, size := slices.Clone(f.groups), 2+f.dice.IntN(20)
		if f.unstable {
			size = 10
		}
		opts := quick()
		opts.Transport = transport
		c, err := New(Options{
			Source: "acme", BaseURL: server.URL + "/" + fmt.Sprint(seed), AppID: testApp, AppKey: testKey,
			PageSize: size, Fetch: opts,
		})
		require.NoError(t, err)
		quiet := f.quiet()
		w := follow(t, c, f.until)
		var missed []string
		for _, g := range before {
			if !f.left[g.id] && !w.seen[g.id] {
				missed = append(missed, g.id)
			}
		}
		if !w.restarted && !w.shifted && w.total == int64(len(w.seen)) {
			require.Empty(t, missed, "schedule %d: missed by a chain that proves them absent", seed)
			certified++
			if w.pages > 2 {
				certifiedLong++
			}
			continue
		}
		if w.shifted {
			shifted++
		}
		if quiet {
			require.Empty(t, missed, "schedule %d: missed although groups only vanished", seed)
			turnedWell++
		}
	}
	require.Greater(t, certified, schedules/10)
	require.Greater(t, certifiedLong, schedules/20)
	require.Greater(t, shifted, schedules/4)
	require.Greater(t, turnedWell, schedules/10)
}

func mustZone() *time.Location {
	zone, err := time.LoadLocation(zoneDefault)
	if err != nil {
		panic(err)
	}
	return zone
}
