package sweep_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

// ledger is a vendor that lists chats by their creation, oldest first, within
// bounds, two to a page, and counts them.
type ledger struct {
	*bench
	now   time.Time
	chats map[string]time.Time
	// dead are the cursors that are refused, so often; down fail as transient.
	dead, down map[string]int
	// before runs before a page is answered.
	before func(cursor string)
	bounds []string
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	v := &ledger{
		now: time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC), chats: map[string]time.Time{}, dead: map[string]int{}, down: map[string]int{},
	}
	v.bench = newBench(t, v.page)
	v.opts.Now = func() time.Time { return v.now }
	v.opts.Breaker = model.Breaker{Min: 20, Share: 0.2}
	v.born(5)
	return v
}

// born creates chats, one in each of the last minutes.
func (v *ledger) born(n int) {
	for i := range n {
		v.chats[fmt.Sprintf("wr%02d", len(v.chats))] = v.now.Add(time.Duration(i-n-1) * time.Minute)
	}
}

func (v *ledger) mode(mode string) *ledger {
	v.spec = model.StreamSpec{
		Name: "chats", Shape: model.ShapeList, Mode: mode, Concurrency: 1, CursorTTL: time.Hour,
		Subjects: []model.Subject{{Name: "crm/" + mode, Lane: "crm", Params: json.RawMessage(`{}`)}},
		Bounds:   &model.BoundsSpec{Margin: 30 * time.Second, Ascending: true},
	}
	if mode == "new" {
		v.spec.Bounds.FromWatermark, v.spec.Bounds.Overlap = true, 90*time.Second
	} else {
		v.spec.Lists, v.spec.ConfirmedBy = []model.Record{model.RecordChat}, "chat_checks"
	}
	return v
}

func (v *ledger) page(chain model.Chain, cursor string) (model.Page, error) {
	if v.before != nil {
		v.before(cursor)
	}
	if v.dead[cursor] > 0 {
		v.dead[cursor]--
		return model.Page{}, vendorError(fetch.ClassCursorGone, "invalidParameter")
	}
	if v.down[cursor] > 0 {
		v.down[cursor]--
		return model.Page{}, vendorError(fetch.ClassTransient, "systemError")
	}
	if cursor == "" {
		clock := func(t time.Time) string {
			if t.IsZero() {
				return ""
			}
			return t.UTC().Format(time.TimeOnly)
		}
		v.bounds = append(v.bounds, clock(chain.Bounds.After)+"-"+clock(chain.Bounds.Until))
	}
	var ids []string
	for id, at := range v.chats {
		if !at.Before(chain.Bounds.After) && (chain.Bounds.Until.IsZero() || !at.After(chain.Bounds.Until)) {
			ids = append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b string) int { return cmp.Or(v.chats[a].Compare(v.chats[b]), strings.Compare(a, b)) })
	at, _ := strconv.Atoi(cursor)
	to := min(at+2, len(ids))
	page := model.Page{Last: to == len(ids), Total: new(int64(len(ids))), RequestedAt: v.now, ReceivedAt: v.now}
	for _, id := range ids[min(at, to):to] {
		page.Chats = append(page.Chats, model.Chat{ID: id, CreatedAt: new(v.chats[id])})
	}
	if !page.Last {
		page.Next = strconv.Itoa(to)
	}
	return page, nil
}

func (v *ledger) stored() string {
	return v.scalar("select string_agg(chat_id, ' ' order by chat_id) from groupchat.chat where gone_at is null")
}

func TestNewPassesBeginAtTheWatermark(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	require.Equal(t, model.VerdictComplete, v.mode("full").pass(sweep.Request{}).Closing.Verdict)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())

	v.now = v.now.Add(time.Hour)
	v.born(3)
	res := v.mode("new").pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, []string{"-08:59:30", "08:56:30-09:59:30"}, v.bounds)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04 wr05 wr06 wr07", v.stored())
	require.Equal(t, "09:58:00", v.scalar("select (watermark at time zone 'UTC')::time from sync.watermark"))

	// What is younger than the bound belongs to the next pass.
	v.now = v.now.Add(time.Hour)
	v.chats["wr99"] = v.now.Add(-time.Second)
	v.mode("new").pass(sweep.Request{})
	require.NotContains(t, v.stored(), "wr99")
	v.now = v.now.Add(time.Hour)
	v.mode("new").pass(sweep.Request{})
	require.Contains(t, v.stored(), "wr99")

	// Under other filters nothing is known to be held.
	v.mode("new").spec.Scope = json.RawMessage(`{"keyword":"x"}`)
	v.pass(sweep.Request{})
	require.True(t, strings.HasPrefix(v.bounds[len(v.bounds)-1], "-"), v.bounds)
}

// A chain whose cursor is lost goes on from what it has committed, and the pass
// still proves what it should.
func TestLostCursorGoesOnFromTheWatermark(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.dead["2"] = 1
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	require.Equal(t, []string{"crm/full@", "crm/full@2", "crm/full@", "crm/full@2"}, v.source.asked)
	require.Equal(t, []string{"-08:59:30", "08:55:00-08:59:30"}, v.bounds)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())
	require.Equal(t, "0 5 5 5", v.scalar("select concat_ws(' ', restarts, ids_counted, total_first, ids_distinct) from sync.pass"))

	// Where the page after it gets no further, the chain is begun anew, and that
	// is bounded.
	v = newLedger(t)
	v.dead["2"] = 100
	for id := range v.chats {
		v.chats[id] = v.now.Add(-time.Hour)
	}
	res = v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.OutcomeFailed, res.Outcome)
	require.ErrorContains(t, res.Reason, "started over 3 times")
	require.Less(t, v.source.calls.Load(), int64(30))
}

// A cursor that has aged while the pass lay open is no reason to begin again.
func TestAgedCursorGoesOnFromTheWatermark(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.down["2"] = 1
	first := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, first.Outcome)
	v.now = v.now.Add(2 * time.Hour)
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, first.Pass.ID, res.Pass.ID)
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	require.Equal(t, []string{"-08:59:30", "08:55:00-08:59:30"}, v.bounds)
}

// Nor is it where the vendor has refused the next call, too: there is no cursor then.
func TestNothingAgesWithoutACursor(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.down["2"] = 1
	first := v.mode("full").pass(sweep.Request{})
	v.down[""] = 1
	for range 2 {
		v.now = v.now.Add(2 * time.Hour)
		require.Equal(t, model.OutcomePartial, first.Outcome)
		res := v.pass(sweep.Request{})
		require.Equal(t, first.Pass.ID, res.Pass.ID)
		first = res
	}
	require.Equal(t, model.VerdictComplete, first.Closing.Verdict)
	require.Equal(t, []string{"crm/full@", "crm/full@2", "crm/full@", "crm/full@", "crm/full@2"}, v.source.asked)
}

// The passes of two modes do not end each other, and one does not prove what the
// other would.
func TestModesAreSeparate(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.mode("full").pass(sweep.Request{})
	v.down["2"] = 1
	full := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.OutcomePartial, full.Outcome)
	delete(v.chats, "wr04")
	fresh := v.mode("new").pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, fresh.Outcome)
	require.NotEqual(t, full.Pass.ID, fresh.Pass.ID)
	require.Zero(t, fresh.Closing.Candidates)
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, full.Pass.ID, res.Pass.ID)
	require.Equal(t, "new complete, full complete", v.scalar(
		"select string_agg(mode || ' ' || outcome, ', ' order by finished_at, pass_id desc) from sync.pass where pass_id > 1"))
}

// A total that changes while the list is read, or is not what it showed, proves
// that something moved.
func TestTotalsAreCompared(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.before = func(cursor string) {
		if cursor == "2" {
			delete(v.chats, "wr00")
		}
	}
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.VerdictDrifted, res.Closing.Verdict)
	require.Equal(t, "5 4", v.scalar("select concat_ws(' ', total_first, total_last) from sync.pass"))
}

// Lists that drift again and again find nothing gone. Somebody is told, with the
// reason, until one proves everything.
func TestListsThatNeverProveAnythingAreTold(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	good, more := v.source.answer, int64(3)
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		page, err := good(chain, cursor)
		*page.Total += more
		return page, err
	}
	sync := func(mode string) model.Verdict {
		v.now = v.now.Add(time.Hour)
		v.mode(mode).spec.TotalsRemedy = "do not count"
		res := v.pass(sweep.Request{})
		require.Equal(t, model.OutcomeComplete, res.Outcome)
		return res.Closing.Verdict
	}
	told := func() string {
		return v.scalar("select string_agg(concat_ws(': ', stream, kind, subject, times, detail, remedy), ' ') from sync.finding where cleared_at is null")
	}
	require.Equal(t, model.VerdictDrifted, sync("full"))
	require.Equal(t, model.VerdictComplete, sync("new"), "it finds nothing gone anyway")
	require.Empty(t, told(), "once is nothing")
	require.Equal(t, model.VerdictDrifted, sync("full"))
	require.Equal(t, "chats: never_proven: full: 1: 2 lists in a row prove nothing, and nothing that has vanished is found gone: "+
		"the vendor counts 8 records and lists 5: do not count", told())
	require.Equal(t, model.VerdictDrifted, sync("full"))
	require.Contains(t, told(), "full: 2: 3 lists in a row")
	more = 0
	require.Equal(t, model.VerdictComplete, sync("full"))
	require.Empty(t, told())
	more = 3
	sync("full")
	require.Empty(t, told())
	sync("full")
	require.Contains(t, told(), "full: 3: 2 lists in a row")

	more = 0
	require.Equal(t, model.VerdictComplete, sync("full"))
	for range 2 {
		v.before = func(cursor string) {
			if cursor == "2" {
				v.born(1)
				v.chats[fmt.Sprintf("wr%02d", len(v.chats)-1)] = v.now.Add(-time.Hour)
			}
		}
		require.Equal(t, model.VerdictDrifted, sync("full"))
	}
	require.Contains(t, told(), ": syncd sync --full acme/chats")
}

// Lists that take longer than a certificate lasts, because calls are short, and lists
// with elements whose ids cannot be read find nothing gone either.
func TestListsThatAreNeverProvenAreTold(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(v *ledger, page *model.Page)
		why   string
	}{
		"too slow": {
			func(v *ledger, _ *model.Page) { v.now = v.now.Add(3 * time.Hour) },
			"it took more than 6 hours",
		},
		"unreadable": {
			func(_ *ledger, page *model.Page) {
				page.Rejects = []model.Reject{{Kind: "chat", Reason: "no id", Raw: []byte("{}")}}
			},
			"3 elements have no readable id, see sync.reject",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := newLedger(t)
			good, spoilt := v.source.answer, true
			v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
				page, err := good(chain, cursor)
				if spoilt {
					tc.spoil(v, &page)
				}
				return page, err
			}
			sync := func() model.Verdict { return v.mode("full").pass(sweep.Request{}).Closing.Verdict }
			told := func() string {
				return v.scalar("select string_agg(detail, ' ') from sync.finding where cleared_at is null")
			}
			require.Equal(t, model.VerdictUnproven, sync())
			require.Empty(t, told())
			require.Equal(t, model.VerdictUnproven, sync())
			require.Equal(t, "2 lists in a row prove nothing, and nothing that has vanished is found gone: "+tc.why, told())
			spoilt = false
			require.Equal(t, model.VerdictComplete, sync())
			require.Empty(t, told())
		})
	}
}

// Where no detail stream confirms an absence, a second complete pass does, of the
// same scope, and no other.
func TestMissedTwiceIsGone(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	sync := func() sweep.Result {
		v.now = v.now.Add(time.Hour)
		v.mode("full").spec.ConfirmedBy = ""
		return v.pass(sweep.Request{})
	}
	sync()
	was := v.chats["wr03"]
	delete(v.chats, "wr03")
	res := sync()
	require.Equal(t, int64(1), res.Closing.Candidates)
	require.Contains(t, v.stored(), "wr03")
	storetest.WantRows(t, v.pool, "sync.candidate", 1)

	// Back in time: nothing happened.
	v.chats["wr03"] = was
	sync()
	storetest.WantRows(t, v.pool, "sync.candidate", 0)

	delete(v.chats, "wr03")
	sync()
	v.now = v.now.Add(time.Hour)
	v.mode("full").spec.ConfirmedBy = ""
	v.spec.Scope = json.RawMessage(`{"keyword":"x"}`)
	v.pass(sweep.Request{})
	require.Contains(t, v.stored(), "wr03", "another scope")
	sync()
	require.Contains(t, v.stored(), "wr03", "unproven: the scope has changed back")
	sync()
	require.NotContains(t, v.stored(), "wr03")
	require.Equal(t, "missing from two complete passes", v.scalar("select gone_reason from groupchat.chat where chat_id = 'wr03'"))
	storetest.WantRows(t, v.pool, "sync.candidate", 0)

	v.chats["wr03"] = was
	sync()
	require.Contains(t, v.stored(), "wr03")
}

// An element that cannot be read, but names itself, is there.
func TestUnreadableElementIsSeen(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	good := v.source.answer
	v.mode("full").pass(sweep.Request{})
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		page, err := good(chain, cursor)
		for i, c := range page.Chats {
			if c.ID == "wr01" {
				page.Chats = slices.Delete(page.Chats, i, i+1)
				page.Rejects = append(page.Rejects, model.Reject{Kind: "chat", ID: "wr01", Raw: []byte(`{"id":"wr01","at":[]}`), Reason: "odd"})
				break
			}
		}
		return page, err
	}
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	require.Zero(t, res.Closing.Candidates)
}

// A stream whose vendor keeps no order is read in spans. What it holds is known
// when all of them are in, and not before.
func TestSpansAreHeldTogether(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	sync := func() sweep.Result {
		v.mode("").spec.Bounds = &model.BoundsSpec{
			FromWatermark: true, Overlap: 2 * time.Hour, Reach: 50 * time.Hour, SpanMax: 20 * time.Hour,
		}
		return v.pass(sweep.Request{})
	}
	v.chats["old"], v.chats["lost"] = v.now.Add(-49*time.Hour), v.now.Add(-51*time.Hour)
	v.down[""] = 2
	require.Equal(t, model.OutcomePartial, sync().Outcome)
	storetest.WantRows(t, v.pool, "sync.watermark", 0)
	require.Equal(t, model.OutcomePartial, sync().Outcome)
	require.Equal(t, model.OutcomeComplete, sync().Outcome)
	require.Equal(t, []string{"07:00:00-03:00:00", "03:00:00-23:00:00", "23:00:00-09:00:00"}, v.bounds)
	require.Contains(t, v.stored(), "old")
	require.NotContains(t, v.stored(), "lost")
	require.Equal(t, "crm 09:00:00", v.scalar("select lane || ' ' || (watermark at time zone 'UTC')::time from sync.watermark"))

	v.now = v.now.Add(time.Hour)
	require.Equal(t, model.OutcomeComplete, sync().Outcome)
	require.Equal(t, "07:00:00-10:00:00", v.bounds[len(v.bounds)-1])
	v.mode("").spec.Bounds = &model.BoundsSpec{FromWatermark: true, Reach: 30 * time.Hour}
	v.pass(sweep.Request{Full: true})
	require.Equal(t, "04:00:00-10:00:00", v.bounds[len(v.bounds)-1], "a full pass reads whatever can be read")
}

// A vendor that does not keep the order that was asked for is read all the same: a
// lost cursor begins the chain anew. What a list without a gap has shown is held in
// any order, so the next pass over new chats does not read all of them; and a finding
// says that the order is not kept.
func TestDisorderIsNoticed(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.backwards(func(model.Chain) bool { return true })
	v.dead["4"] = 1
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, model.VerdictDrifted, res.Closing.Verdict)
	require.Equal(t, []string{"-08:59:30", "-08:59:30"}, v.bounds)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())
	require.Equal(t, "1 crm/full", v.scalar("select times || ' ' || subject from sync.finding where kind = 'out_of_order'"))
	v.mode("new").pass(sweep.Request{})
	require.Equal(t, "08:56:30-08:59:30", v.bounds[len(v.bounds)-1])
	require.Equal(t, "crm/full crm/new",
		v.scalar("select string_agg(subject, ' ' order by subject) from sync.finding where kind = 'out_of_order'"))
}

// A chain that went on from its watermark without a cursor, for which the order has to
// hold, and then shows that it does not, may have passed over chats: it proves nothing,
// and what it has shown is not taken to be held.
func TestDisorderAfterALostCursorProvesNothing(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.backwards(func(chain model.Chain) bool { return !chain.Bounds.After.IsZero() })
	v.dead["2"] = 1
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, []string{"-08:59:30", "08:55:00-08:59:30"}, v.bounds)
	require.Equal(t, model.VerdictDrifted, res.Closing.Verdict)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())
	storetest.WantRows(t, v.pool, "sync.watermark", 0)
	require.Equal(t, "crm/full", v.scalar("select subject from sync.finding where kind = 'out_of_order'"))
}

// Neither is it where the cursor is lost once more: the chain begins anew where it went
// on, and not at its first record.
func TestDisorderBeforeAStartOverProvesNothing(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.backwards(func(chain model.Chain) bool { return !chain.Bounds.After.IsZero() && v.dead["2"] > 0 })
	v.dead["2"] = 2
	res := v.mode("full").pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, []string{"-08:59:30", "08:55:00-08:59:30", "08:55:00-08:59:30"}, v.bounds)
	require.Equal(t, model.VerdictDrifted, res.Closing.Verdict)
	storetest.WantRows(t, v.pool, "sync.watermark", 0)
	require.Equal(t, "5", v.scalar("select concat_ws(' ', total_first, total_last) from sync.pass"), "what is left is no total")
}

// backwards has the pages of some chains come with the youngest first.
func (v *ledger) backwards(of func(model.Chain) bool) {
	good := v.source.answer
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		page, err := good(chain, cursor)
		if of(chain) {
			slices.Reverse(page.Chats)
		}
		return page, err
	}
}

// A record that claims to be younger than the chain can show raises no watermark.
func TestWatermarkIsNotInTheFuture(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	good := v.source.answer
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		page, err := good(chain, cursor)
		if page.Last {
			page.Chats[len(page.Chats)-1].CreatedAt = new(v.now.Add(time.Hour))
		}
		return page, err
	}
	v.mode("full").pass(sweep.Request{})
	require.Equal(t, "08:57:00", v.scalar("select (watermark at time zone 'UTC')::time from sync.watermark"))
}

// A time that the vendor does not list any more is noted, and does not keep the
// others.
func TestSpanOutOfReach(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	good := v.source.answer
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		if chain.Bounds.After.Before(v.now.Add(-40 * time.Hour)) {
			return model.Page{}, vendorError(fetch.ClassOutside, "600018")
		}
		return good(chain, cursor)
	}
	v.mode("").spec.Bounds = &model.BoundsSpec{FromWatermark: true, Reach: 50 * time.Hour, SpanMax: 20 * time.Hour}
	res := v.pass(sweep.Request{})
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())
	require.Equal(t, "out_of_reach crm/@2026-11-18T07:00:00Z", v.scalar("select kind || ' ' || subject from sync.finding"))
	require.Contains(t, v.scalar("select detail from sync.finding"), "from 2026-11-18T07:00:00Z to 2026-11-19T03:00:00Z (600018)")
}

// One slice of a pass is done at a time where that is asked for; who asks for the
// next one gets the same pass.
func TestOneSlice(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	v.opts.SliceMax = time.Nanosecond
	res := v.mode("full").pass(sweep.Request{OneSlice: true})
	for !res.More { // the timer of the slice was late
		require.Less(t, res.Pass.ID, int64(1000))
		res = v.pass(sweep.Request{OneSlice: true})
	}
	require.Equal(t, model.OutcomeRunning, res.Outcome)
	v.opts.SliceMax = 0
	rest := v.pass(sweep.Request{OneSlice: true})
	require.False(t, rest.More)
	require.Equal(t, res.Pass.ID, rest.Pass.ID)
	require.Equal(t, model.VerdictComplete, rest.Closing.Verdict)
	require.Equal(t, "wr00 wr01 wr02 wr03 wr04", v.stored())
}

// A pass that drifts is repeated so often in a row, whoever asks.
func TestDriftIsRepeatedSoOften(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	n := 0
	v.before = func(cursor string) {
		if cursor == "2" {
			n++
			v.chats["late"+strconv.Itoa(n)] = v.now.Add(-time.Hour)
		}
	}
	v.mode("full").spec.DriftRepeats = 2
	var drifted []int64
	for range 4 {
		res := v.pass(sweep.Request{OneSlice: true})
		require.Equal(t, model.VerdictDrifted, res.Closing.Verdict)
		require.Equal(t, res.Closing.Drifted <= 2, res.More)
		drifted = append(drifted, res.Closing.Drifted)
	}
	require.Equal(t, []int64{1, 2, 3, 4}, drifted)
	v.before = nil
	require.Zero(t, v.pass(sweep.Request{}).Closing.Drifted)
	storetest.WantRows(t, v.pool, "sync.pass", 5)
	v.before = func(cursor string) { v.chats["later"+strconv.Itoa(len(v.chats))] = v.now.Add(-time.Hour) }
	require.Equal(t, model.VerdictDrifted, v.pass(sweep.Request{}).Closing.Verdict)
	storetest.WantRows(t, v.pool, "sync.pass", 8)
}

// A record that passes from one subject to another behind the back of a pass is in
// neither: counting again shows it.
func TestRecountShowsWhatWasHandedOver(t *testing.T) {
	t.Parallel()
	v := newLedger(t)
	owners := map[string]string{}
	for id := range v.chats {
		owners[id] = "b"
	}
	v.source.answer = func(chain model.Chain, _ string) (model.Page, error) {
		page := model.Page{Last: true, RequestedAt: v.now, ReceivedAt: v.now}
		for _, id := range slices.Sorted(maps.Keys(owners)) {
			if owners[id] == chain.Subject {
				page.Chats = append(page.Chats, model.Chat{ID: id})
			}
		}
		page.Total = new(int64(len(page.Chats)))
		return page, nil
	}
	v.mode("full").spec.ConfirmedBy = ""
	v.spec.Subjects = []model.Subject{{Name: "a", Params: json.RawMessage(`{}`)}, {Name: "b", Params: json.RawMessage(`{}`)}}
	v.spec.Recount = true
	require.Equal(t, model.VerdictComplete, v.pass(sweep.Request{}).Closing.Verdict)
	require.Equal(t, []string{"a@", "b@", "a@", "b@"}, v.source.asked)
	require.Equal(t, "4", v.scalar("select calls from sync.pass"))

	calm := v.source.answer
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		page, err := calm(chain, cursor)
		owners["wr02"] = "a" // once a has been read
		return page, err
	}
	res := v.pass(sweep.Request{})
	require.Equal(t, model.VerdictDrifted, res.Closing.Verdict)
	require.Zero(t, res.Closing.Candidates)

	// While the vendor does not answer, nothing is certified; the next run counts.
	v.source.answer = func(chain model.Chain, cursor string) (model.Page, error) {
		if len(v.source.asked) > 10 {
			return model.Page{}, vendorError(fetch.ClassTransient, "http 502")
		}
		return calm(chain, cursor)
	}
	v.source.asked = make([]string, 8)
	require.Equal(t, model.OutcomePartial, v.pass(sweep.Request{}).Outcome)
	v.source.answer = calm
	v.source.asked = nil
	res = v.pass(sweep.Request{})
	require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
	require.Len(t, v.source.asked, 2)
}
