package sweep_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/model"
	"syncd/internal/store/storetest"
	"syncd/internal/sweep"
)

// tenant is a scripted vendor with three streams: owners, chats and members.
type tenant struct {
	*bench
	owners   []string
	chats    []string // listed
	readable map[string]bool
	code     string // of a chat that is not readable
	class    fetch.Class
	refused  map[string]bool // owners whom no filter may hold
	tooLarge bool            // without an owner filter
	lists    atomic.Int64
}

func newTenant(t *testing.T, chats int) *tenant {
	t.Helper()
	v := &tenant{readable: map[string]bool{}, code: "40050", class: fetch.ClassGone, refused: map[string]bool{}}
	v.owners = []string{"li", "han"}
	for i := range chats {
		v.chats = append(v.chats, fmt.Sprintf("wr%04d", i))
		v.readable[v.chats[i]] = true
	}
	v.bench = newBench(t, v.answer)
	v.opts.Breaker = model.Breaker{Min: 20, Share: 0.2}
	return v
}

type params struct {
	Owners []string `json:"owners"`
	Only   string   `json:"only"`
}

func (v *tenant) answer(c model.Chain, _ string) (model.Page, error) {
	if c.Stream == "members" {
		if !v.readable[c.Subject] {
			return model.Page{}, vendorError(v.class, v.code)
		}
		return detail(c.Subject, "li"), nil
	}
	page := model.Page{Last: true}
	if c.Stream == "owners" {
		for _, id := range v.owners {
			page.Owners = append(page.Owners, model.Owner{ID: id})
		}
		return page, nil
	}
	v.lists.Add(1)
	var p params
	if err := json.Unmarshal(c.Params, &p); err != nil {
		return page, err
	}
	if v.tooLarge && p.Owners == nil {
		return page, vendorError(fetch.ClassTooLarge, "81017")
	}
	if slices.ContainsFunc(p.Owners, func(id string) bool { return v.refused[id] }) {
		return page, vendorError(fetch.ClassRefused, "40003")
	}
	if p.Only != "" {
		return page, nil
	}
	for i, id := range v.chats {
		if owner := v.owners[i%len(v.owners)]; p.Owners == nil || slices.Contains(p.Owners, owner) {
			page.Chats = append(page.Chats, model.Chat{ID: id})
		}
	}
	return page, nil
}

// sync runs passes over the streams, or all of them.
func (v *tenant) sync(streams ...string) map[string]sweep.Result {
	v.t.Helper()
	results, err := v.trySync(streams...)
	require.NoError(v.t, err)
	return results
}

func (v *tenant) specs() []model.StreamSpec {
	forOwners := func(ids []string) json.RawMessage {
		text, err := json.Marshal(params{Owners: ids})
		require.NoError(v.t, err)
		return text
	}
	return []model.StreamSpec{
		{
			Name: "owners", Shape: model.ShapeList, Lists: []model.Record{model.RecordOwner}, Concurrency: 1,
			Subjects: []model.Subject{{Name: "all", Params: json.RawMessage(`{}`)}},
		},
		{
			Name: "chats", Shape: model.ShapeList, Lists: []model.Record{model.RecordChat}, ConfirmedBy: "members", Concurrency: 2,
			Subjects: []model.Subject{
				{Name: "status/0", Params: json.RawMessage(`{}`)},
				{Name: "status/1", Params: json.RawMessage(`{"only":"resigned"}`)},
			},
			ForOwners: forOwners, Roster: true,
		},
		{Name: "members", Shape: model.ShapeDetail, Confirms: "chats", Concurrency: 4, MaxAge: time.Hour},
	}
}

func (v *tenant) trySync(streams ...string) (map[string]sweep.Result, error) {
	v.t.Helper()
	results := map[string]sweep.Result{}
	for _, spec := range v.specs() {
		if len(streams) > 0 && !slices.Contains(streams, spec.Name) {
			continue
		}
		v.spec = spec
		res, err := v.runner().Pass(v.t.Context(), spec, sweep.Request{})
		if err != nil {
			return results, err
		}
		results[spec.Name] = res
	}
	return results, nil
}

func (v *tenant) unlist(ids ...string) {
	v.chats = slices.DeleteFunc(slices.Clone(v.chats), func(id string) bool { return slices.Contains(ids, id) })
}

func TestGoneOnlyWhenADirectReadConfirms(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 5)
	v.sync()
	v.unlist("wr0001", "wr0002")
	v.readable["wr0001"] = false

	res := v.sync("chats")
	require.Equal(t, int64(2), res["chats"].Closing.Candidates)
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"), "absence proves nothing")
	v.sync("members")
	require.Equal(t, "wr0001 40050", v.scalar("select chat_id || ' ' || gone_reason from groupchat.chat where gone_at is not null"))
	require.Equal(t, "wr0001", v.scalar("select distinct chat_id from groupchat.chat_member where left_before is not null and left_after < left_before"))
	require.Equal(t, "not_gone wr0002", v.scalar("select kind || ' ' || subject from sync.finding"))
	require.Equal(t, "1", v.scalar("select count(*) from groupchat.chat_history where chat_id = 'wr0001' and gone_at is null"))
	storetest.WantRows(t, v.pool, "sync.candidate", 0)

	// It is not read again, not even by a full pass.
	calls := v.source.calls.Load()
	v.spec = model.StreamSpec{Name: "members", Shape: model.ShapeDetail, Confirms: "chats", Concurrency: 4, MaxAge: time.Hour}
	v.pass(sweep.Request{Full: true})
	require.Equal(t, calls+4, v.source.calls.Load())

	// And it comes back when it is listed again.
	v.chats = append(v.chats, "wr0001")
	v.readable["wr0001"] = true
	v.sync()
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat_member where left_before is not null"))
	require.Equal(t, "1", v.scalar("select count(*) from groupchat.chat_history where chat_id = 'wr0001' and gone_at is not null"))
}

func TestOutOfSightConfirmsNothing(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 5)
	v.sync()
	v.unlist("wr0001")
	v.readable["wr0001"], v.class, v.code = false, fetch.ClassDenied, "60011"
	v.sync()
	v.sync()
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))
	require.Equal(t, "1", v.scalar("select count(*) from sync.candidate"))
}

// A chat that the vendor refuses to show, but still lists, is not gone.
func TestGoneAnswerForAListedChatIsNoAbsence(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 3)
	v.readable["wr0001"] = false
	v.sync()
	v.sync()
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))
	require.Equal(t, "40050", v.scalar("select last_error_code from sync.item where subject = 'wr0001'"))
}

func TestEmptyListMarksNobodyGone(t *testing.T) {
	t.Parallel()
	for _, chats := range []int{5, 50} {
		t.Run(fmt.Sprint(chats), func(t *testing.T) {
			t.Parallel()
			v := newTenant(t, chats)
			v.sync()
			v.chats, v.owners = nil, nil
			v.sync()
			v.sync()
			require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))
			require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat_member where left_before is not null"))
		})
	}
}

func TestMassDisappearanceWaitsForApproval(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 100)
	v.sync()
	lost := slices.Clone(v.chats[:30])
	v.unlist(lost...)
	for _, id := range lost {
		v.readable[id] = false
	}
	first := v.sync()["chats"]
	require.True(t, first.Closing.Held)
	require.Equal(t, int64(30), first.Closing.Candidates)
	calls := v.source.calls.Load()
	again := v.sync()["chats"]
	require.True(t, again.Closing.Held)
	require.Equal(t, calls+3, v.source.calls.Load(), "owners and chats are listed, nothing is read")
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))
	require.Contains(t, v.scalar("select remedy from sync.finding where kind = 'mass_disappearance'"),
		fmt.Sprintf("syncd approve %d", again.Pass.ID))
	status, err := v.store.Status(t.Context(), "acme", time.Now())
	require.NoError(t, err)
	require.Equal(t, again.Pass.ID, status["chats"].HeldPassID)
	require.Equal(t, int64(30), status["chats"].Candidates)

	_, _, _, err = v.store.Approve(t.Context(), first.Pass.ID, time.Now())
	require.Error(t, err, "a later pass has taken its place")
	_, _, n, err := v.store.Approve(t.Context(), again.Pass.ID, time.Now())
	require.NoError(t, err)
	require.EqualValues(t, 30, n)
	_, _, _, err = v.store.Approve(t.Context(), again.Pass.ID, time.Now())
	require.Error(t, err, "once")
	v.sync("members")
	require.Equal(t, "30", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))
	require.False(t, v.sync()["chats"].Closing.Held)
}

// An approval lets through what the held pass had missed, and nothing that vanishes
// after it.
func TestApprovalIsOfOneDisappearance(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 100)
	v.sync("chats")
	v.unlist(v.chats[:30]...)
	held := v.sync("chats")["chats"]
	require.True(t, held.Closing.Held)
	_, _, n, err := v.store.Approve(t.Context(), held.Pass.ID, time.Now())
	require.NoError(t, err)
	require.EqualValues(t, 30, n)

	v.unlist(v.chats[:25]...)
	next := v.sync("chats")["chats"]
	require.True(t, next.Closing.Held, "others have vanished")
	require.Equal(t, int64(25), next.Closing.Candidates)
	require.Equal(t, "25", v.scalar("select count(*) from sync.candidate where held"))
}

// Owners have no candidates: those of the held pass are let through by the next one
// that misses them, and with them those who went meanwhile, unless they are a mass
// themselves.
func TestApprovalOfOwners(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 0)
	for i := range 98 {
		v.owners = append(v.owners, fmt.Sprintf("owner%03d", i))
	}
	v.sync("owners")
	const unlisted = "select count(*) from groupchat.owner where unlisted_at is not null"
	approve := func() {
		t.Helper()
		held := v.sync("owners")["owners"]
		require.True(t, held.Closing.Held)
		_, _, n, err := v.store.Approve(t.Context(), held.Pass.ID, time.Now())
		require.NoError(t, err)
		require.Equal(t, held.Closing.Candidates, n)
	}
	v.owners = v.owners[30:]
	approve()
	require.Equal(t, "0", v.scalar(unlisted))
	v.owners = v.owners[25:]
	approve()
	require.Equal(t, "0", v.scalar(unlisted), "25 others have vanished")
	v.owners = v.owners[1:]
	require.False(t, v.sync("owners")["owners"].Closing.Held)
	require.Equal(t, "56", v.scalar(unlisted))
}

func TestScopeChangeMakesNoCandidates(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 50)
	v.sync()
	v.unlist(v.chats[10:]...)
	v.spec = model.StreamSpec{
		Name: "chats", Shape: model.ShapeList, Lists: []model.Record{model.RecordChat}, ConfirmedBy: "members", Concurrency: 1,
		Subjects: []model.Subject{{Name: "owners/0", Params: json.RawMessage(`{}`)}},
		Scope:    json.RawMessage(`{"owner_ids":["li"]}`),
	}
	require.Equal(t, model.VerdictUnproven, v.pass(sweep.Request{}).Closing.Verdict)
	for range 2 {
		res := v.pass(sweep.Request{})
		require.Equal(t, model.VerdictComplete, res.Closing.Verdict)
		require.Zero(t, res.Closing.Candidates)
	}
	require.Equal(t, "scope_changed 1", v.scalar("select kind || ' ' || times from sync.finding"))
}

func TestTooLargeIsListedByOwners(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 60)
	v.tooLarge = true
	for i := range 250 {
		v.owners = append(v.owners, fmt.Sprintf("owner%03d", i))
	}
	v.owners = v.owners[2:]
	res := v.sync("owners", "chats")
	require.Equal(t, model.OutcomeComplete, res["chats"].Outcome)
	require.Equal(t, model.VerdictComplete, res["chats"].Closing.Verdict)
	storetest.WantRows(t, v.pool, "groupchat.chat", 60)
	require.Equal(t, int64(2+3), v.lists.Load(), "two refusals, three batches")
}

// One owner breaks a batch of a hundred: halving it finds the culprit, all others
// are listed, and what the culprit owns cannot be marked gone.
func TestCulpritIsFoundByHalving(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 100)
	v.owners = nil
	for i := range 100 {
		v.owners = append(v.owners, fmt.Sprintf("owner%03d", i))
	}
	v.tooLarge = true
	v.sync("owners", "chats")
	v.sync("members")
	_, err := v.pool.Exec(t.Context(), "update groupchat.chat set owner_id = 'owner' || right(chat_id, 3)")
	require.NoError(t, err)

	v.refused["owner042"] = true
	v.lists.Store(0)
	res := v.sync("chats")["chats"]
	require.Equal(t, model.OutcomeComplete, res.Outcome)
	require.LessOrEqual(t, v.lists.Load(), int64(2+2+2*7))
	require.Equal(t, "owner/owner042 40003", v.scalar(
		"select subject || ' ' || last_error_code from sync.item where stream = 'chats'"))
	require.Equal(t, "0", v.scalar("select count(*) from sync.candidate"))
	require.Equal(t, "owner042", v.scalar("select subject from sync.finding where kind = 'owner_refused'"))
	v.sync("members")
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.chat where gone_at is not null"))

	v.lists.Store(0)
	v.sync("chats")
	require.Equal(t, int64(2+2), v.lists.Load(), "left out for a day")

	delete(v.refused, "owner042")
	_, err = v.pool.Exec(t.Context(), "update sync.item set due_at = now() where stream = 'chats'")
	require.NoError(t, err)
	v.sync("chats")
	require.Equal(t, "0", v.scalar("select count(*) from sync.item where stream = 'chats'"), "taken again, forgotten")
}

func TestUnlistedOwnersAreStillAskedFor(t *testing.T) {
	t.Parallel()
	v := newTenant(t, 10)
	v.sync()
	v.owners = []string{"li"}
	v.sync("owners")
	require.Equal(t, "han", v.scalar("select owner_id from groupchat.owner where unlisted_at is not null and gone_at is null"))
	v.owners = []string{"li", "han"} // so that chats are shared out as before
	v.source.asked = nil
	v.sync("chats")
	slices.Sort(v.source.asked)
	require.Equal(t, []string{"status/0@", "status/1@", "unlisted/0@"}, v.source.asked)
	v.owners = []string{"li"}
	v.sync("owners")
	require.Equal(t, "han", v.scalar("select owner_id from groupchat.owner where gone_at is not null"), "missed twice")
	v.owners = []string{"li", "han"}
	v.sync("owners")
	require.Equal(t, "0", v.scalar("select count(*) from groupchat.owner where unlisted_at is not null or gone_at is not null"))
}
