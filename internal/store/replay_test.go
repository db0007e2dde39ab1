package store_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/stretchr/testify/require"

	"syncd/internal/model"
)

// A script is what a vendor answers over some rounds. A round is a pass over the
// chat list and one over the details.
type script []round

type round struct {
	at     time.Time
	full   bool
	listed []model.Chat
	steps  []model.Step
}

const replayChats = 4

// draw makes up a script for a few chats and people, with every kind of oddness:
// people who leave and come back with the same or another join time, owners who
// change, answers that are empty, lack their owner or are partly unreadable,
// failed reads, chats that are dissolved and chats that come back.
func draw(r *rand.Rand) script {
	rooms := make([]*room, replayChats)
	for i := range rooms {
		rooms[i] = &room{rand: r, id: fmt.Sprintf("wr%d", i), owner: "li", members: []model.Member{staff("li"), guest("a"), guest("b")}}
	}
	var s script
	at := t0
	for range 5 {
		at = at.Add(time.Hour)
		now := round{at: at, full: r.IntN(5) == 0}
		for _, c := range rooms {
			if r.IntN(6) > 0 {
				now.listed = append(now.listed, model.Chat{ID: c.id, Status: new(r.Int64N(2))})
				c.listed = true
			}
		}
		for range 3 {
			for _, i := range r.Perm(replayChats)[:1+r.IntN(replayChats)] {
				at = at.Add(10 * time.Second)
				if rooms[i].listed {
					now.steps = append(now.steps, rooms[i].read(at))
				}
			}
		}
		s = append(s, now)
	}
	return s
}

// room is a chat at the vendor.
type room struct {
	rand    *rand.Rand
	id      string
	owner   string
	members []model.Member
	listed  bool // once, so that it has an item
}

func (c *room) pick(list ...string) string { return list[c.rand.IntN(len(list))] }

// change lets people come and go.
func (c *room) change() {
	c.members = slices.Clone(c.members)
	id := c.pick("a", "b", "c", "d")
	at := slices.IndexFunc(c.members, func(m model.Member) bool { return m.ID == id })
	switch dice := c.rand.IntN(12); {
	case dice == 0:
		for n := range 14 {
			c.members = append(c.members, guest(fmt.Sprintf("x%d", n)))
		}
	case dice < 3:
		c.members = c.members[:1]
	case dice < 5:
		c.owner = c.pick("li", "han", "mei")
		c.members = append(c.members, staff(c.owner))
	case at >= 0:
		c.members = slices.Delete(c.members, at, at+1)
	default:
		m := guest(id)
		m.JoinedAt = []time.Time{{}, t0, t0.Add(time.Minute)}[c.rand.IntN(3)]
		c.members = append(c.members, m)
	}
}

// read is the answer to a direct read.
func (c *room) read(at time.Time) model.Step {
	if c.rand.IntN(2) == 0 {
		c.change()
	}
	d := group(c.id, c.pick("n", "n", "m"), c.owner, c.members...)
	step := detailStep(at, d)
	d = step.Page.Details[0]
	switch c.rand.IntN(14) {
	case 0:
		d.Members = nil
	case 1:
		d.Members = slices.DeleteFunc(slices.Clone(d.Members), func(m model.Member) bool { return m.ID == c.owner })
	case 2:
		d.Members, d.MembersUnread = d.Members[:1], 1
	case 3:
		step.Page = nil
		step.Item.FailedCode, step.Item.At, step.Item.Gone = "40050", at, true
		return step
	}
	step.Page.Details[0] = d
	return step
}

var (
	replayLists   = model.StreamSpec{Name: "chats", Shape: model.ShapeList, Lists: []model.Record{model.RecordChat}, ConfirmedBy: "members", Subjects: chatsSpec.Subjects}
	replayDetails = model.StreamSpec{Name: "members", Shape: model.ShapeDetail, Confirms: "chats"}
)

// player plays rounds to a database: one step a commit, or, with draws, in groups
// with a restart of the process now and then.
type player struct {
	*bench
	draws *rand.Rand
	spec  model.StreamSpec
	now   round
}

func (p *player) play(now round) {
	p.now = now
	p.resume(replayLists)
	p.commitAll(p.listSteps())
	p.end()
	p.resume(replayDetails)
	p.commitAll(now.steps)
	p.end()
}

func (p *player) resume(spec model.StreamSpec) {
	p.spec = spec
	p.lease = model.Lease{}
	p.open(spec, p.now.at, p.now.full)
}

// listSteps are pages of one chat each.
func (p *player) listSteps() []model.Step {
	cps, err := p.store.Checkpoints(p.t.Context(), p.pass)
	require.NoError(p.t, err)
	var steps []model.Step
	for i := range p.now.listed {
		to := cps[0]
		to.Version, to.Cursor, to.Pages, to.UpdatedAt = to.Version+int64(i)+1, fmt.Sprint(i), i+1, p.now.at
		steps = append(steps, model.Step{
			Chain: to.Chain, From: to.Version - 1, To: to, Closed: i == len(p.now.listed)-1,
			Page: &model.Page{RequestedAt: p.now.at, ReceivedAt: p.now.at, Chats: p.now.listed[i : i+1]},
		})
	}
	return steps
}

func (p *player) commitAll(steps []model.Step) {
	for len(steps) > 0 {
		n := p.groupSize(steps)
		_, _, err := p.store.Commit(p.t.Context(), p.lease, p.pass, steps[:n])
		require.NoError(p.t, err)
		steps = steps[n:]
		if p.draws != nil && p.draws.IntN(4) == 0 {
			require.NoError(p.t, p.store.ReleaseLease(p.t.Context(), p.lease))
			was := p.pass.ID
			p.resume(p.spec)
			require.Equal(p.t, was, p.pass.ID)
		}
	}
}

// groupSize is how many steps go into the next commit. No two of them are about
// one chat: a pass hands out each once at a time.
func (p *player) groupSize(steps []model.Step) int {
	if p.draws == nil {
		return 1
	}
	seen := map[string]bool{}
	for i, s := range steps[:1+p.draws.IntN(len(steps))] {
		id := s.Chain.Subject
		if s.Item != nil && seen[id] {
			return i
		}
		seen[id] = true
	}
	return max(1, len(seen))
}

func (p *player) end() {
	_, err := p.store.ClosePass(p.t.Context(), p.lease, p.pass, p.spec, model.Ending{
		Outcome: model.OutcomeComplete, At: p.now.at, Breaker: model.Breaker{Min: 100},
	})
	require.NoError(p.t, err)
	require.NoError(p.t, p.store.ReleaseLease(p.t.Context(), p.lease))
}

// tables is everything that is stored, as text.
func (p *player) tables() []string {
	p.t.Helper()
	return strings.Split(scalar[string](p.bench, `
		select concat_ws(E'\n',
		       (select string_agg(r::text, E'\n' order by r) from groupchat.chat r),
		       (select string_agg(r::text, E'\n' order by r) from groupchat.chat_history r),
		       (select string_agg(r::text, E'\n' order by r) from groupchat.chat_member r),
		       (select string_agg(r::text, E'\n' order by r) from groupchat.owner r),
		       (select string_agg(r::text, E'\n' order by r) from sync.item r),
		       (select string_agg(r::text, E'\n' order by r) from sync.candidate r),
		       (select string_agg(concat_ws(' ', stream, outcome, verdict, pages, rows_read,
		                                    ids_distinct, items_failed, items_refused, candidates), E'\n' order by pass_id)
		          from sync.pass r))`), "\n")
}

// oracle knows from the answers alone who is in which chat and who has left.
type oracle map[string]*known

// known is what the oracle knows of a chat. Spells map to how they stand: when
// the last good read had them, and the bounds of their end.
type known struct {
	open          map[string]time.Time
	closed        map[string]string
	lastRead, due time.Time
	doubt         string
	doubts        int
	listed, gone  bool
	candidate     bool
}

func spellName(m model.Member) string {
	if m.JoinedAt.IsZero() {
		return m.ID + " -Infinity"
	}
	return fmt.Sprintf("%s %d", m.ID, m.JoinedAt.Unix())
}

func (o oracle) list(now round) {
	seen := map[string]bool{}
	for _, chat := range now.listed {
		seen[chat.ID] = true
		if o[chat.ID] == nil {
			o[chat.ID] = &known{open: map[string]time.Time{}, closed: map[string]string{}}
		}
		k := o[chat.ID]
		k.listed, k.gone, k.candidate = true, false, false
	}
	for id, k := range o {
		k.candidate = !seen[id] && k.listed && !k.gone
	}
}

func (o oracle) read(step model.Step) {
	k := o[step.Chain.Subject]
	if k == nil {
		k = &known{open: map[string]time.Time{}, closed: map[string]string{}}
		o[step.Chain.Subject] = k
	}
	if step.Page == nil {
		k.doubt, k.doubts = "", 0
		if k.candidate {
			k.candidate, k.gone = false, true
			k.end(nil, step.Item.At)
		}
		return
	}
	d, present := step.Page.Details[0], map[string]bool{}
	for _, m := range d.Members {
		present[spellName(m)] = true
	}
	missing := 0
	for s := range k.open {
		if !present[s] {
			missing++
		}
	}
	verdict := model.JudgeMembers(d, len(k.open), missing)
	text := fmt.Sprint(*d.Chat.Name, *d.Chat.OwnerID, *d.Chat.MemberCount, d.MembersUnread, slices.Sorted(maps.Keys(present)))
	if verdict == model.MembersDoubtful && (k.doubt != text || step.Page.RequestedAt.Before(k.due)) {
		k.doubt, k.doubts, k.due = text, k.doubts+1, step.Item.DoubtDueAt
		if k.doubts == 3 {
			k.doubt, k.doubts = "", 0
		}
		return
	}
	k.doubt, k.doubts, k.candidate = "", 0, false
	if verdict != model.MembersUnreadable {
		k.end(present, step.Page.ReceivedAt)
	}
	k.lastRead = step.Page.RequestedAt
	for s := range present {
		k.open[s] = k.lastRead
		delete(k.closed, s)
	}
}

// end closes the open spells that are not present.
func (k *known) end(present map[string]bool, at time.Time) {
	for s, had := range k.open {
		if !present[s] {
			k.closed[s] = fmt.Sprintf("left %d %d", had.Unix(), at.Unix())
			delete(k.open, s)
		}
	}
}

func (o oracle) spells() []string {
	all := []string{}
	for id, k := range o {
		for s, had := range k.open {
			if had.Before(k.lastRead) {
				s += fmt.Sprintf(" missed %d", had.Unix())
			}
			all = append(all, id+" "+s)
		}
		for s, bounds := range k.closed {
			all = append(all, id+" "+s+" "+bounds)
		}
	}
	slices.Sort(all)
	return all
}

func (p *player) spells() []string {
	p.t.Helper()
	all, err := pgxRowsQuery[string](p.t.Context(), p.pool, `
		select concat_ws(' ', chat_id, member_id, extract(epoch from joined_at)::float8,
		                 case when left_before is not null then 'left' when left_after is not null then 'missed' end,
		                 extract(epoch from left_after)::bigint, extract(epoch from left_before)::bigint)
		  from groupchat.chat_member`)
	require.NoError(p.t, err)
	slices.Sort(all)
	return all
}

// Versions of a chat follow one another without a gap, and the present one after
// the last of them.
func (p *player) wantNoGaps() {
	p.t.Helper()
	require.Zero(p.t, scalar[int](p.bench, `
		select count(*)
		  from groupchat.chat_history h
		 where known_until <= known_from
		    or not exists (select from groupchat.chat_history n
		                    where n.chat_id = h.chat_id and n.known_from = h.known_until
		                   union all
		                   select from groupchat.chat c
		                    where c.chat_id = h.chat_id and c.known_from >= h.known_until)`))
}

// Answers that are committed in groups, by a process that is restarted now and
// then, leave the same tables as when they are committed one by one; and who is
// in which chat is what the answers say.
func TestReplayInGroups(t *testing.T) {
	t.Parallel()
	for seed := range uint64(replaySeeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			s := draw(rand.New(rand.NewPCG(seed, 0)))
			calm, wild := &player{bench: newBench(t)}, &player{bench: newBench(t), draws: rand.New(rand.NewPCG(seed, 1))}
			truth := oracle{}
			for i, now := range s {
				calm.play(now)
				truth.list(now)
				for _, step := range now.steps {
					truth.read(step)
				}
				require.Empty(t, cmp.Diff(truth.spells(), calm.spells()), "round %d", i)
				calm.wantNoGaps()
				wild.play(now)
				require.Empty(t, cmp.Diff(calm.tables(), wild.tables()), "round %d", i)
			}
		})
	}
}

// replaySeeds is how many scripts are played; 600 have been.
const replaySeeds = 10
