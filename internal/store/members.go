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

// storedSpell is what chat_member_ask returns.
type storedSpell struct {
	hash      int64
	leftAfter *time.Time
	open      bool
}

// askSpells returns the spells of the chats whose detail was written before, by
// chat id.
func (c *commit) askSpells(ctx context.Context, tx pgx.Tx, rows []*detailRow, chats map[string]storedChat,
) (map[string]map[spellKey]storedSpell, error) {
	var ids []string
	for _, r := range rows {
		if id := r.detail.Chat.ID; chats[id].detailed {
			ids = append(ids, id)
		}
	}
	if len(ids) == 0 {
		return nil, nil //nolint:nilnil // no spells are an ordinary answer
	}
	spells := make(map[string]map[spellKey]storedSpell, len(ids))
	var chatID, memberID string
	var joined pgtype.Timestamptz
	var s storedSpell
	err := each(ctx, tx, "chat_member_ask", []any{c.source, ids},
		[]any{&chatID, &memberID, &joined, &s.hash, &s.leftAfter, &s.open}, func() {
			if spells[chatID] == nil {
				spells[chatID] = map[spellKey]storedSpell{}
			}
			key := spellKey{id: memberID, joined: math.MinInt64}
			if joined.InfinityModifier == pgtype.Finite {
				key.joined = joined.Time.UnixMicro()
			}
			spells[chatID][key] = s
		})
	if err != nil {
		return nil, err
	}
	return spells, nil
}

// memberChange gathers what becomes of spells, over all chats of a commit, in
// the order of their keys.
type memberChange struct {
	fresh, changed []spellWrite
	missing        []spellEnd
}

type spellWrite struct {
	chatID string
	row    memberRow
	seenAt time.Time
}

func (w spellWrite) compare(o spellWrite) int {
	if n := strings.Compare(w.chatID, o.chatID); n != 0 {
		return n
	}
	return w.row.key().compare(o.row.key())
}

type spellEnd struct {
	chatID    string
	key       spellKey
	leftAfter *time.Time
	// leftBefore is nil where the absence is not proven.
	leftBefore *time.Time
}

// diffMembers adds to change what the answer says about the members of its chat,
// and reports false, with nothing added, when the answer is to be held back.
func (c *commit) diffMembers(r *detailRow, known map[spellKey]storedSpell, change *memberChange) bool {
	chatID := r.detail.Chat.ID
	was := c.items[c.steps[r.step].Chain.Subject]
	open, gone := absent(known, r.members)
	verdict := model.JudgeMembers(*r.detail, open, len(gone))
	if verdict == model.MembersDoubtful && !believed(was, r) {
		if c.held == nil {
			c.held = map[int]int64{}
		}
		c.held[r.step] = r.sum
		return false
	}
	for _, m := range r.members {
		s, ok := known[m.key()]
		w := spellWrite{chatID: chatID, row: m, seenAt: r.page.RequestedAt}
		switch {
		case !ok:
			change.fresh = append(change.fresh, w)
		case c.pass.Full || s.hash != m.sum || !s.open || s.leftAfter != nil:
			change.changed = append(change.changed, w)
		}
	}
	slices.SortFunc(gone, spellKey.compare)
	for _, key := range gone {
		end := spellEnd{chatID: chatID, key: key, leftAfter: known[key].leftAfter}
		if end.leftAfter == nil {
			end.leftAfter = was.fetchedAt
		}
		if verdict != model.MembersUnreadable {
			end.leftBefore = &r.page.ReceivedAt
		}
		change.missing = append(change.missing, end)
	}
	return true
}

// absent counts the open spells and lists those whose member is not among members.
func absent(known map[spellKey]storedSpell, members []memberRow) (open int, gone []spellKey) {
	if len(known) == 0 {
		return 0, nil
	}
	present := make(map[spellKey]bool, len(members))
	for _, m := range members {
		present[m.key()] = true
	}
	for key, s := range known {
		if s.open {
			open++
			if !present[key] {
				gone = append(gone, key)
			}
		}
	}
	return open, gone
}

// believed reports whether a doubtful answer is the second equal one, asked for
// after the time it was given.
func believed(was storedItem, r *detailRow) bool {
	return was.doubtHash != nil && *was.doubtHash == r.sum && !r.page.RequestedAt.Before(was.dueAt)
}

func (c *commit) writeMembers(ctx context.Context, tx pgx.Tx, change *memberChange) error {
	c.counts.RowsChanged += int64(len(change.fresh) + len(change.changed) + len(change.missing))
	fresh, changed := change.fresh, change.changed
	if c.upsertOnly {
		changed, fresh = slices.Concat(fresh, changed), nil
		slices.SortFunc(changed, spellWrite.compare)
	}
	if len(fresh) > 0 {
		if err := c.copyMembers(ctx, tx, fresh); err != nil {
			return err
		}
	}
	if len(changed) > 0 {
		if err := c.upsertMembers(ctx, tx, changed); err != nil {
			return err
		}
	}
	if len(change.missing) > 0 {
		return c.endSpells(ctx, tx, change.missing)
	}
	return nil
}

var memberColumns = []string{
	"source", "chat_id", "member_id", "joined_at", "member_type", "name", "group_nickname", "union_id",
	"join_scene", "invitor_id", "state", "is_admin", "first_seen_at", "hash", "extra",
}

func (c *commit) copyMembers(ctx context.Context, tx pgx.Tx, rows []spellWrite) error {
	return copyIn(ctx, tx, "groupchat.chat_member", memberColumns, len(rows), func(row *copyRow, i int) {
		w, m := &rows[i], rows[i].row.member
		row.text(c.source)
		row.text(w.chatID)
		row.text(m.ID)
		if m.JoinedAt.IsZero() {
			row.longAgo()
		} else {
			row.instant(m.JoinedAt)
		}
		row.bigintOrNull(m.Type)
		row.textOrNull(m.Name)
		row.textOrNull(m.GroupNickname)
		row.textOrNull(m.UnionID)
		row.bigintOrNull(m.JoinScene)
		row.textOrNull(m.InvitorID)
		row.textOrNull(m.State)
		row.boolean(m.IsAdmin)
		row.instant(w.seenAt) // first_seen_at
		row.bigint(w.row.sum)
		row.object(m.Extra)
	})
}

func (c *commit) upsertMembers(ctx context.Context, tx pgx.Tx, rows []spellWrite) error {
	n := len(rows)
	chatID, memberID, joined := make([]string, n), make([]string, n), make([]pgtype.Timestamptz, n)
	kind, scene := make([]*int64, n), make([]*int64, n)
	name, nickname, union := make([]*string, n), make([]*string, n), make([]*string, n)
	invitor, state, extra := make([]*string, n), make([]*string, n), make([]*string, n)
	admin, seen, sum := make([]bool, n), make([]time.Time, n), make([]int64, n)
	for i := range rows {
		w, m := &rows[i], rows[i].row.member
		chatID[i], memberID[i], joined[i] = w.chatID, m.ID, joinedAt(m.JoinedAt)
		kind[i], scene[i], admin[i] = m.Type, m.JoinScene, m.IsAdmin
		name[i], nickname[i], union[i] = m.Name, m.GroupNickname, m.UnionID
		invitor[i], state[i], extra[i] = m.InvitorID, m.State, extraText(m.Extra)
		seen[i], sum[i] = w.seenAt, w.row.sum
	}
	_, err := exec(ctx, tx, "chat_member_upsert", c.source, chatID, memberID, joined, kind, name, nickname, union,
		scene, invitor, state, admin, seen, sum, extra)
	return err
}

func (c *commit) endSpells(ctx context.Context, tx pgx.Tx, ends []spellEnd) error {
	n := len(ends)
	chatID, memberID, joined := make([]string, n), make([]string, n), make([]pgtype.Timestamptz, n)
	after, before := make([]*time.Time, n), make([]*time.Time, n)
	for i, e := range ends {
		chatID[i], memberID[i], joined[i] = e.chatID, e.key.id, joinedAt(e.key.time())
		after[i], before[i] = e.leftAfter, e.leftBefore
	}
	_, err := exec(ctx, tx, "chat_member_close", c.source, chatID, memberID, joined, after, before)
	return err
}
