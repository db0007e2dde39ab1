package store

import (
	"context"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"syncd/internal/model"
)

// doubtsMax is how many doubtful answers in a row are held back before the read
// counts as failed.
const doubtsMax = 3

// codeDoubtful stands in sync.item.last_error_code when answers kept differing.
const codeDoubtful = "members doubtful"

// detailRow is the answer for one chat on its way into the tables.
type detailRow struct {
	step    int
	page    *model.Page
	detail  *model.ChatDetail
	members []memberRow
	// sum is the hash of the whole answer, members included.
	sum int64
}

// memberRow is one member with the hash of its row.
type memberRow struct {
	member *model.Member
	sum    int64
}

func (m memberRow) key() spellKey {
	return spellKey{id: m.member.ID, joined: joinedMicro(m.member.JoinedAt)}
}

// writeDetails writes the detail answers that differ from what is stored: the
// chat's own columns and its membership spells.
func (c *commit) writeDetails(ctx context.Context, tx pgx.Tx) error {
	if err := c.askItems(ctx, tx); err != nil {
		return err
	}
	rows := c.detailRows()
	if len(rows) == 0 {
		return nil
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].detail.Chat.ID
	}
	chats, err := c.askChats(ctx, tx, ids)
	if err != nil {
		return err
	}
	rows = slices.DeleteFunc(rows, func(r *detailRow) bool {
		was := chats[r.detail.Chat.ID]
		return !c.pass.Full && was.detailHash != nil && *was.detailHash == r.sum
	})
	spells, err := c.askSpells(ctx, tx, rows, chats)
	if err != nil {
		return err
	}
	var change memberChange
	var fresh, changed []*chatRow
	for _, r := range rows {
		id := r.detail.Chat.ID
		if !c.diffMembers(r, spells[id], &change) {
			c.results[r.step].Held = true
			continue
		}
		c.applied = append(c.applied, r)
		row := &chatRow{
			chat: r.detail.Chat, readAt: r.page.RequestedAt,
			detailAt: &r.page.RequestedAt, detailHash: &r.sum,
		}
		if _, known := chats[id]; known {
			changed = append(changed, row)
		} else {
			fresh = append(fresh, row)
		}
	}
	if err := c.writeChats(ctx, tx, fresh, changed); err != nil {
		return err
	}
	return c.writeMembers(ctx, tx, &change)
}

// storedChat is what chat_ask returns.
type storedChat struct {
	detailHash *int64
	// detailed says that a detail was ever written.
	detailed bool
}

func (c *commit) askChats(ctx context.Context, tx pgx.Tx, ids []string) (map[string]storedChat, error) {
	known := make(map[string]storedChat, len(ids))
	var id string
	var s storedChat
	err := each(ctx, tx, "chat_ask", []any{c.source, ids}, []any{&id, &s.detailHash, &s.detailed}, func() {
		known[id] = s
	})
	if err != nil {
		return nil, err
	}
	return known, nil
}

// detailRows collects the details of the steps, sorted by chat id, without those
// that an answer requested later has overtaken. A full pass believes its own
// clock rather than the one that stored the time of the last read.
func (c *commit) detailRows() []*detailRow {
	newest := map[string]*detailRow{}
	for i, p := range c.pages {
		for j := range p.Details {
			d := &p.Details[j]
			was, twice := newest[d.Chat.ID]
			stored := c.items[c.steps[i].Chain.Subject].fetchedAt
			overtaken := stored != nil && stored.After(p.RequestedAt) && !c.pass.Full
			if overtaken || twice && was.page.RequestedAt.After(p.RequestedAt) {
				c.results[i].Stale = true
				continue
			}
			if twice && was.step != i {
				c.results[was.step].Stale = true
			}
			newest[d.Chat.ID] = &detailRow{step: i, page: p, detail: d}
		}
	}
	rows := make([]*detailRow, 0, len(newest))
	for _, id := range sortedKeys(newest) {
		r := newest[id]
		c.hashDetail(r)
		rows = append(rows, r)
	}
	return rows
}

// hashDetail makes the members distinct by key, sorts them and adds everything
// up, so that the order of the vendor's list does not matter.
func (c *commit) hashDetail(r *detailRow) {
	r.members = make([]memberRow, 0, len(r.detail.Members))
	for i := range r.detail.Members {
		m := &r.detail.Members[i]
		c.hash.reset()
		c.hash.member(*m)
		r.members = append(r.members, memberRow{member: m, sum: c.hash.sum()})
	}
	slices.SortStableFunc(r.members, func(a, b memberRow) int { return a.key().compare(b.key()) })
	r.members = lastOfEach(r.members)
	c.hash.reset()
	c.hash.chat(r.detail.Chat)
	c.hash.number(int64(r.detail.MembersUnread))
	for _, m := range r.members {
		c.hash.number(m.sum)
	}
	r.sum = c.hash.sum()
}

// lastOfEach keeps the last of neighbours with equal keys.
func lastOfEach(rows []memberRow) []memberRow {
	kept := rows[:0]
	for i, m := range rows {
		if i+1 < len(rows) && rows[i+1].key() == m.key() {
			continue
		}
		kept = append(kept, m)
	}
	return kept
}

// spellKey is the key of a spell within its chat.
type spellKey struct {
	id     string
	joined int64
}

func (k spellKey) compare(o spellKey) int {
	if n := strings.Compare(k.id, o.id); n != 0 {
		return n
	}
	switch {
	case k.joined < o.joined:
		return -1
	case k.joined > o.joined:
		return 1
	}
	return 0
}

// time is the joining time, zero where it is unknown.
func (k spellKey) time() time.Time {
	if k.joined == joinedMicro(time.Time{}) {
		return time.Time{}
	}
	return time.UnixMicro(k.joined)
}

// joinedMicro is the joining time as PostgreSQL keeps it, in microseconds; an
// unknown one sorts first.
func joinedMicro(t time.Time) int64 {
	if t.IsZero() {
		return math.MinInt64
	}
	return t.UnixMicro()
}

// storedItem is what item_ask returns.
type storedItem struct {
	fetchedAt *time.Time
	dueAt     time.Time
	failures  int
	doubtHash *int64
	doubts    int
}

func (c *commit) askItems(ctx context.Context, tx pgx.Tx) error {
	var subjects []string
	for i := range c.steps {
		if c.steps[i].Item != nil {
			subjects = append(subjects, c.steps[i].Chain.Subject)
		}
	}
	if len(subjects) == 0 {
		return nil
	}
	c.items = make(map[string]storedItem, len(subjects))
	var subject string
	var it storedItem
	return each(ctx, tx, "item_ask", []any{c.source, c.stream, subjects},
		[]any{&subject, &it.fetchedAt, &it.dueAt, &it.failures, &it.doubtHash, &it.doubts}, func() {
			c.items[subject] = it
		})
}

// dueAt is when an item is due again; what is closed, or read on demand only, is
// not due by itself.
func dueAt(move *model.ItemMove) pgtype.Timestamptz {
	if move.Closed != "" || move.DueAt.IsZero() {
		return pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
	}
	return pgtype.Timestamptz{Time: move.DueAt, Valid: true}
}

// moveItems says of every item of the steps when it was read and when it is due.
func (c *commit) moveItems(ctx context.Context, tx pgx.Tx) error {
	last := map[string]int{}
	for i := range c.steps {
		if c.steps[i].Item == nil {
			continue
		}
		subject := c.steps[i].Chain.Subject
		if at, ok := last[subject]; ok && c.results[i].Stale && !c.results[at].Stale {
			continue
		}
		last[subject] = i
	}
	if len(last) == 0 {
		return nil
	}
	subjects := sortedKeys(last)
	n := len(subjects)
	fetched, due, failed := make([]*time.Time, n), make([]pgtype.Timestamptz, n), make([]*time.Time, n)
	failures, codes := make([]int, n), make([]*string, n)
	doubtHash, doubts, refused := make([]*int64, n), make([]int, n), make([]bool, n)
	for i, subject := range subjects {
		at := last[subject]
		step, was := &c.steps[at], c.items[subject]
		move := step.Item
		due[i] = dueAt(move)
		switch {
		case c.results[at].Stale: // nothing but the due time moves
		case move.NotReady:
			failures[i], codes[i] = was.failures, textOrNull(move.FailedCode)
		case move.FailedCode != "":
			failed[i], failures[i], codes[i] = &move.At, was.failures+1, textOrNull(move.FailedCode)
			refused[i] = move.Refused
		case c.results[at].Held && was.doubts+1 >= doubtsMax:
			code := codeDoubtful
			failed[i], failures[i], codes[i] = &step.Page.ReceivedAt, was.failures+1, &code
			c.counts.ItemsFailed++
		case c.results[at].Held:
			sum := c.held[at]
			due[i] = pgtype.Timestamptz{Time: move.DoubtDueAt, Valid: true}
			doubtHash[i], doubts[i], failures[i] = &sum, was.doubts+1, was.failures
		default:
			fetched[i] = &step.Page.RequestedAt
		}
		if c.gone[subject] != "" {
			due[i] = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
			failures[i] = 0 // settled
		}
		if move.Closed != "" {
			failures[i] = 0 // settled, too
		}
		if c.settled[subject] {
			failures[i] = 0
			if !move.SettledDueAt.IsZero() {
				due[i] = pgtype.Timestamptz{Time: move.SettledDueAt, Valid: true}
			}
		}
		if c.resting[subject] {
			due[i] = pgtype.Timestamptz{InfinityModifier: pgtype.Infinity, Valid: true}
		}
	}
	_, err := exec(ctx, tx, "item_move", c.source, c.stream, subjects, fetched, due, failed, failures, codes,
		doubtHash, doubts, refused)
	return err
}
