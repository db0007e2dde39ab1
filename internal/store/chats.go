package store

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// chatRow is one chat to write, by one of its two writers.
type chatRow struct {
	chat                 model.Chat
	readAt               time.Time
	listedAt, detailAt   *time.Time
	listHash, detailHash *int64
	listScope            *int64
}

// writeListedChats writes the chats that list pages tell of, where they differ
// from what the list told before.
func (c *commit) writeListedChats(ctx context.Context, tx pgx.Tx) error {
	rows := c.listedRows()
	if len(rows) == 0 {
		return nil
	}
	differing, err := c.askListed(ctx, tx, rows)
	if err != nil {
		return err
	}
	var fresh, changed []*chatRow
	var back []*chatRow // chats that were gone
	for _, was := range differing {
		row := rows[was.place-1]
		switch {
		case !was.known:
			fresh = append(fresh, row)
		case (later(was.listedAt, row.readAt) || later(was.goneAt, row.readAt)) && !c.pass.Full:
			continue
		default:
			changed = append(changed, row)
			if was.goneAt != nil {
				back = append(back, row)
			}
		}
	}
	if err := c.writeChats(ctx, tx, fresh, changed); err != nil {
		return err
	}
	if len(back) == 0 || c.pass.ConfirmedBy == "" {
		return nil
	}
	ids := make([]string, len(back))
	for i, row := range back {
		ids[i] = row.chat.ID
	}
	_, err = exec(ctx, tx, "item_hasten", c.source, c.pass.ConfirmedBy, ids, back[0].readAt)
	return err
}

// listedRows collects the chats of the list pages, the newest answer for each,
// sorted by id.
func (c *commit) listedRows() []*chatRow {
	n := 0
	for _, p := range c.pages {
		n += len(p.Chats)
	}
	rows, newest := make([]*chatRow, 0, n), make(map[string]*chatRow, n)
	all := make([]chatRow, 0, n)
	scope := c.listScope()
	for _, p := range c.pages {
		for _, chat := range p.Chats {
			if was, twice := newest[chat.ID]; twice {
				if !was.readAt.After(p.RequestedAt) {
					was.chat, was.readAt = chat, p.RequestedAt
				}
				continue
			}
			all = append(all, chatRow{chat: chat, readAt: p.RequestedAt, listScope: scope})
			row := &all[len(all)-1]
			row.listedAt = &row.readAt
			rows, newest[chat.ID] = append(rows, row), row
		}
	}
	slices.SortFunc(rows, compareChats)
	return rows
}

// listScope is the scope under which the pages of this commit list records, nil for
// direct reads: what can be read is not listed by that, and a list that lacks it
// misses it again.
func (c *commit) listScope() *int64 {
	if c.pass.Confirms != "" {
		return nil
	}
	return &c.pass.Scope
}

// listedRow is what chat_ask_listed returns, and statements like it.
type listedRow struct {
	place            int // of the row, from 1
	known            bool
	listedAt, goneAt *time.Time
}

// askListed returns which of the rows may have to be written, in their order, and
// hashes all of them.
func (c *commit) askListed(ctx context.Context, tx pgx.Tx, rows []*chatRow) ([]listedRow, error) {
	ids, sums := make([]string, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		c.hash.reset()
		c.hash.chat(row.chat)
		ids[i], sums[i] = row.chat.ID, c.hash.sum()
		row.listHash = &sums[i]
	}
	return c.askDiffering(ctx, tx, "chat_ask_listed", ids, sums)
}

// askDiffering returns which of the ids may have to be written, in their order: a
// statement like chat_ask_listed knows.
func (c *commit) askDiffering(ctx context.Context, tx pgx.Tx, ask string, ids []string, sums []int64) ([]listedRow, error) {
	var differing []listedRow
	var s listedRow
	err := each(ctx, tx, ask, []any{c.source, ids, sums, c.listScope(), c.pass.Full},
		[]any{&s.place, &s.known, &s.listedAt, &s.goneAt}, func() {
			differing = append(differing, s)
		})
	if err != nil {
		return nil, err
	}
	slices.SortFunc(differing, func(a, b listedRow) int { return a.place - b.place })
	return differing, nil
}

func later(stored *time.Time, now time.Time) bool { return stored != nil && stored.After(now) }

func compareChats(a, b *chatRow) int { return strings.Compare(a.chat.ID, b.chat.ID) }

// writeChats writes new rows by COPY and changed ones by upsert; both sorted.
func (c *commit) writeChats(ctx context.Context, tx pgx.Tx, fresh, changed []*chatRow) error {
	c.counts.RowsChanged += int64(len(fresh) + len(changed))
	if c.upsertOnly {
		changed, fresh = slices.Concat(fresh, changed), nil
		slices.SortFunc(changed, compareChats)
	}
	if len(fresh) > 0 {
		if err := c.copyChats(ctx, tx, fresh); err != nil {
			return err
		}
	}
	if len(changed) == 0 {
		return nil
	}
	return c.upsertChats(ctx, tx, changed)
}

var chatColumns = []string{
	"source", "chat_id", "name", "owner_id", "owner_name", "department_name", "status", "notice",
	"member_count", "group_set_id", "relation_type", "created_at", "extra", "first_seen_at",
	"known_from", "listed_at", "detail_at", "list_hash", "detail_hash", "list_scope",
}

func (c *commit) copyChats(ctx context.Context, tx pgx.Tx, rows []*chatRow) error {
	return copyIn(ctx, tx, "groupchat.chat", chatColumns, len(rows), func(row *copyRow, i int) {
		r, t := rows[i], &rows[i].chat
		row.text(c.source)
		row.text(t.ID)
		row.textOrNull(t.Name)
		row.textOrNull(t.OwnerID)
		row.textOrNull(t.OwnerName)
		row.textOrNull(t.DepartmentName)
		row.bigintOrNull(t.Status)
		row.textOrNull(t.Notice)
		row.bigintOrNull(t.MemberCount)
		row.textOrNull(t.GroupSetID)
		row.textOrNull(t.RelationType)
		row.instantOrNull(t.CreatedAt)
		row.object(t.Extra)
		row.instant(r.readAt) // first_seen_at
		row.instant(r.readAt) // known_from
		row.instantOrNull(r.listedAt)
		row.instantOrNull(r.detailAt)
		row.bigintOrNull(r.listHash)
		row.bigintOrNull(r.detailHash)
		row.bigintOrNull(r.listScope)
	})
}

func (c *commit) upsertChats(ctx context.Context, tx pgx.Tx, rows []*chatRow) error {
	n := len(rows)
	id := make([]string, n)
	text := [8][]*string{}
	for i := range text {
		text[i] = make([]*string, n)
	}
	status, members := make([]*int64, n), make([]*int64, n)
	listHash, detailHash, scope := make([]*int64, n), make([]*int64, n), make([]*int64, n)
	created, listed, detail := make([]*time.Time, n), make([]*time.Time, n), make([]*time.Time, n)
	read := make([]time.Time, n)
	for i := range rows {
		r, t := rows[i], &rows[i].chat
		id[i] = t.ID
		for j, s := range []*string{
			t.Name, t.OwnerID, t.OwnerName, t.DepartmentName, t.Notice, t.GroupSetID, t.RelationType,
		} {
			text[j][i] = s
		}
		text[7][i] = extraText(t.Extra)
		status[i], members[i], created[i] = t.Status, t.MemberCount, t.CreatedAt
		read[i], listed[i], detail[i] = r.readAt, r.listedAt, r.detailAt
		listHash[i], detailHash[i], scope[i] = r.listHash, r.detailHash, r.listScope
	}
	_, err := exec(ctx, tx, "chat_upsert", c.source, id, text[0], text[1], text[2], text[3], status, text[4],
		members, text[5], text[6], created, text[7], read, listed, detail, listHash, detailHash, scope)
	return err
}
