package scrm

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"pgregory.net/rapid"

	"syncd/internal/vendorsim/serve"
)

func TestInsertAndDelete(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 30})
	before := c.truth()
	start := c.sim.Moment()

	newest := c.insert(Insertion{Name: "新群"})
	require.Equal(t, append([]string{newest}, before...), ids(c.all(EndpointGroups, "", 7)))
	g, found := c.sim.Group(newest, c.sim.Moment())
	require.True(t, found)
	require.Equal(t, "新群", g.ChatName)
	require.True(t, c.sim.Now().Equal(g.CreatedAt))

	staff := c.sim.Employees(c.sim.Moment())[2]
	old := c.insert(Insertion{
		ChatID: "wrGiven", SalesID: staff.ID, CreatedAt: time.Date(2020, 1, 2, 3, 4, 5, 6, chinaTime),
	})
	require.Equal(t, "wrGiven", old)
	rows := c.all(EndpointGroups, "", 7)
	last := rows[len(rows)-1]
	require.Equal(t, []string{"wrGiven", "2020-01-02 03:04:05", staff.Name}, []string{last.ChatID, last.CreateTime, last.SalesName})

	require.NoError(t, c.sim.Delete(before[3]))
	require.NoError(t, c.sim.Delete(newest))
	want := append(slices.Delete(slices.Clone(before), 3, 4), "wrGiven")
	require.Equal(t, want, ids(c.all(EndpointGroups, "", 7)))

	// What was is still known.
	var then []string
	for g := range c.sim.Groups(start) {
		then = append(then, g.ChatID)
	}
	require.Equal(t, before, then)
	require.Equal(t, 4, c.sim.Moment().Changes)

	require.ErrorContains(t, c.sim.Delete(newest), "there is no group")
	require.ErrorContains(t, c.sim.Delete("wrNobody"), "there is no group")
	for in, problem := range map[Insertion]string{
		{ChatID: "wrGiven"}: "in use",
		{ChatID: before[0]}: "in use",
		{SalesID: 7}:        "no employee",
		{CreatedAt: c.sim.Now().Add(time.Second)}:            "future",
		{ChatID: "x", CreatedAt: c.sim.Now().Add(time.Hour)}: "future",
	} {
		_, err := c.sim.Insert(in)
		require.ErrorContains(t, err, problem)
	}
	require.Equal(t, 4, c.sim.Moment().Changes)

	// An id comes back as another group, of now.
	require.Equal(t, before[3], c.insert(Insertion{ChatID: before[3]}))
	require.Equal(t, before[3], ids(c.all(EndpointGroups, "", 7))[0])
	require.NotContains(t, c.sim.Throughout(start, c.sim.Moment()), before[3])
	require.NoError(t, c.sim.Delete(before[3]))
	require.NotContains(t, c.truth(), before[3])
}

// model is what a test keeps of a tenant that is changed at random: which groups
// exist, and since the beginning of the span, which did all the time or ever.
type model struct{ now, always, ever map[string]bool }

// Throughout and Ever agree with a book kept beside the simulator.
func TestSpansAgreeWithABook(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		c := newClient(t, Options{Seed: rapid.Uint64().Draw(t, "seed"), Groups: rapid.IntRange(1, 40).Draw(t, "groups")})
		set := func() map[string]bool {
			all := map[string]bool{}
			for _, id := range c.truth() {
				all[id] = true
			}
			return all
		}
		began := c.sim.Moment()
		book := model{set(), set(), set()}
		for range rapid.IntRange(0, 25).Draw(t, "steps") {
			switch rapid.SampledFrom([]string{"insert", "delete", "advance", "again"}).Draw(t, "step") {
			case "insert":
				back := time.Duration(rapid.IntRange(0, 1000).Draw(t, "hours old")) * time.Hour
				id := c.insert(Insertion{CreatedAt: c.sim.Now().Add(-back)})
				require.False(t, book.ever[id])
			case "delete":
				if len(book.now) > 0 {
					id := rapid.SampledFrom(slices.Sorted(maps.Keys(book.now))).Draw(t, "which")
					require.NoError(t, c.sim.Delete(id))
				}
			case "advance":
				c.advance(time.Duration(rapid.IntRange(1, 100).Draw(t, "hours")) * time.Hour)
			case "again":
				for _, id := range slices.Sorted(maps.Keys(book.ever)) {
					if !book.now[id] {
						c.insert(Insertion{ChatID: id})
						break
					}
				}
			}
			after := set()
			maps.DeleteFunc(book.always, func(id string, _ bool) bool { return !after[id] })
			maps.Copy(book.ever, after)
			book.now = after
		}
		require.Equal(t, book.always, c.sim.Throughout(began, c.sim.Moment()))
		ever := c.sim.Ever(began, c.sim.Moment())
		for id := range book.ever {
			require.True(t, ever[id])
		}
		// The clock may have jumped over the whole life of a group.
		for id := range ever {
			if !book.ever[id] {
				_, found := c.sim.tenant.drawnNumber(id)
				require.True(t, found)
			}
		}
		require.Equal(t, book.now, c.sim.Throughout(c.sim.Moment(), c.sim.Moment()))
	})
}

// The hazards of page numbers: between two pages an insertion shows a row twice
// and a deletion hides one. The script is the hook.
func TestChangesBetweenPages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 40})
	before := c.truth()
	change := func(endpoint func(*Sim) error) {
		c.sim.SetScript(Script{OnRequest: func(_ context.Context, r serve.Request) serve.Verdict {
			if strings.Contains(string(r.Body), `"pageNo":2`) {
				require.NoError(t, endpoint(c.sim))
			}
			return serve.Verdict{}
		}})
	}
	change(func(s *Sim) error { _, err := s.Insert(Insertion{}); return err })
	rows := ids(c.all(EndpointGroups, "", 10))
	require.Equal(t, append(append([]string{}, before[:10]...), before[9:]...), rows)

	// A window that ends before the change is frozen against it.
	frozen := fmt.Sprintf(`"endCreateTime":%q`, c.sim.Now().Add(-time.Second).Format(timeLayout))
	require.Equal(t, before, ids(c.all(EndpointGroups, frozen, 10)))

	change(func(s *Sim) error { return s.Delete(before[4]) })
	rows = ids(c.all(EndpointGroups, frozen, 10))
	require.Equal(t, append(append([]string{}, before[:10]...), before[11:]...), rows)
	require.NotContains(t, rows, before[10], "it is skipped, though it exists")
	require.Contains(t, c.truth(), before[10])
}

// Readers, changes and the clock do not get into each other's way.
func TestEverythingAtOnce(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Groups: 50})
	began := c.sim.Moment()
	work := []func() error{
		func() error { _, err := c.sim.Advance(time.Hour); return err },
		func() error { _, err := c.sim.Insert(Insertion{}); return err },
		func() error {
			id, err := c.sim.Insert(Insertion{})
			return errors.Join(err, c.sim.Delete(id))
		},
		func() error {
			w := c.record(EndpointGroups, `{"pageSize":100}`)
			if !strings.HasPrefix(w.Body.String(), `{"code":0,`) {
				return errors.New(w.Body.String())
			}
			return nil
		},
		func() error { _ = c.sim.Totals(c.sim.Moment()); return nil },
	}
	problems := make([]error, len(work))
	var all sync.WaitGroup
	for i, do := range work {
		all.Go(func() {
			for range 25 {
				problems[i] = errors.Join(problems[i], do())
			}
		})
	}
	all.Wait()
	require.NoError(t, errors.Join(problems...))
	require.Equal(t, c.truth(), ids(c.all(EndpointGroups, "", 20)))
	require.Equal(t, 75, c.sim.Moment().Changes)
	require.Equal(t, 25*time.Hour, c.sim.Now().Sub(defaultStart))
	ever := c.sim.Ever(began, c.sim.Moment())
	for _, id := range c.truth() {
		require.True(t, ever[id])
	}
}

func TestMostInFlight(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	arrived, open := make(chan uint64), make(chan struct{})
	c.sim.SetScript(Script{OnRequest: func(_ context.Context, r serve.Request) serve.Verdict {
		arrived <- r.Seq
		<-open
		return serve.Verdict{}
	}})
	var all sync.WaitGroup
	for range 3 {
		all.Go(func() { c.record(EndpointGroups, `{}`) })
		<-arrived
	}
	close(open)
	all.Wait()
	require.Equal(t, serve.Calls[int]{Calls: 3, Codes: map[int]int{0: 3}, InFlightMost: 3}, c.sim.Calls()[EndpointGroups])
}

func TestControl(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Seed: 9, Groups: 50})
	control := func(method, path, body string, status int) string {
		t.Helper()
		w := httptest.NewRecorder()
		c.sim.ServeHTTP(w, httptest.NewRequest(method, "/_sim/"+path, strings.NewReader(body)))
		require.Equal(t, status, w.Code, w.Body)
		return w.Body.String()
	}
	require.JSONEq(t, `{"now":"2026-11-01T09:00:00+08:00"}`, control("GET", "clock", "", 200))
	require.JSONEq(t, `{"now":"2026-11-02T09:00:00+08:00"}`, control("POST", "clock", `{"advance":"24h"}`, 200))
	require.JSONEq(t, `{"chat_id":"wrNew"}`,
		control("POST", "groups", `{"chat_id":"wrNew","name":"甲","created_at":"2026-11-02T08:00:00+08:00"}`, 200))
	control("POST", "groups", `{"chat_id":"wrNew"}`, 409)
	control("POST", "groups", `{"chatid":"wrNew"}`, 400)
	g, found := c.sim.Group("wrNew", c.sim.Moment())
	require.True(t, found)
	require.Equal(t, "甲", g.ChatName)
	require.JSONEq(t, `{"chat_id":"wrNew"}`, control("DELETE", "groups", `{"chat_id":"wrNew"}`, 200))
	control("DELETE", "groups", `{"chat_id":"wrNew"}`, 409)
	control("DELETE", "groups", `[]`, 400)
	sum := c.sim.Totals(c.sim.Moment())
	require.JSONEq(t, fmt.Sprintf(`{"now":"2026-11-02T09:00:00+08:00","seed":9,"changes":2,"groups":%d,"tasks":%d,"employees":%d,"deleted":%d}`,
		sum.Groups, sum.Tasks, sum.Employees, sum.Deleted), control("GET", "tenant", "", 200))
	require.Len(t, c.truth(), sum.Groups)
	require.Contains(t, control("GET", "calls", "", 200), EndpointGroups)
	require.Contains(t, control("POST", "faults", `{"fault":"skew:at=1"}`, 200), `"fault": "skew:at=1"`)
	require.Len(t, c.sim.Armed(), 1)
	control("POST", "faults", `{"fault":"scew"}`, 400)
	control("DELETE", "faults", "", 200)
	require.Empty(t, c.sim.Armed())
}

func TestStartAndStop(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(t, Options{})
	server, err := c.sim.Start(ctx, "127.0.0.1:0")
	require.NoError(t, err)
	r := c.request(http.MethodPost, EndpointGroups, `{}`)
	status, body, err := fetch(t, server.URL(), r, `{}`)
	require.NoError(t, err)
	require.Equal(t, http.StatusOK, status)
	c.good(c.parse(body))
	cancel()
	require.NoError(t, server.Wait())
}
