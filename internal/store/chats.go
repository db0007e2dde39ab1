package store

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// storedChat is what chat_ask returns.
type storedChat struct {
	listHash, detailHash *int64
	listedAt, detailAt   *time.Time
	listScope            *int64
	goneAt               *time.Time
}

func (c *commit) askChats(ctx context.Context, tx pgx.Tx, ids []string) (map[string]storedChat, error) {
	rows, err := tx.Query(ctx, q("chat_ask"), c.source, ids)
	if err != nil {
		return nil, fmt.Errorf("chat_ask: %w", err)
	}
	known := make(map[string]storedChat, len(ids))
	var id string
	var s storedChat
	_, err = pgx.ForEachRow(rows, []any{&id, &s.listHash, &s.detailHash, &s.listedAt, &s.detailAt, &s.listScope, &s.goneAt}, func() error {
		known[id] = s
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("chat_ask: %w", err)
	}
	return known, nil
}

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
	newest := map[string]chatRow{}
	for _, p := range c.pages {
		for _, chat := range p.Chats {
			if was, ok := newest[chat.ID]; ok && was.readAt.After(p.RequestedAt) {
				continue
			}
			newest[chat.ID] = chatRow{chat: chat, readAt: p.RequestedAt}
		}
	}
	if len(newest) == 0 {
		return nil
	}
	ids := sortedKeys(newest)
	known, err := c.askChats(ctx, tx, ids)
	if err != nil {
		return err
	}
	var fresh, changed []chatRow
	var back []string // chats that were gone
	for _, id := range ids {
		row := newest[id]
		c.hash.reset()
		c.hash.chat(row.chat)
		sum := c.hash.sum()
		row.listHash, row.listedAt, row.listScope = &sum, &row.readAt, &c.pass.Scope
		was, ok := known[id]
		switch {
		case !ok:
			fresh = append(fresh, row)
		case (later(was.listedAt, row.readAt) || later(was.goneAt, row.readAt)) && !c.pass.Full:
			continue
		case was.goneAt != nil:
			back = append(back, id)
			changed = append(changed, row)
		case c.pass.Full, !same(was.listHash, sum), !same(was.listScope, c.pass.Scope):
			changed = append(changed, row)
		}
	}
	if err := c.writeChats(ctx, tx, fresh, changed); err != nil {
		return err
	}
	if len(back) == 0 || c.pass.ConfirmedBy == "" {
		return nil
	}
	_, err = exec(ctx, tx, "item_hasten", c.source, c.pass.ConfirmedBy, back, newest[back[0]].readAt)
	return err
}

func same(stored *int64, now int64) bool { return stored != nil && *stored == now }

func later(stored *time.Time, now time.Time) bool { return stored != nil && stored.After(now) }

// writeChats writes new rows by COPY and changed ones by upsert; both sorted.
func (c *commit) writeChats(ctx context.Context, tx pgx.Tx, fresh, changed []chatRow) error {
	c.counts.RowsChanged += int64(len(fresh) + len(changed))
	if c.upsertOnly {
		changed, fresh = slices.Concat(fresh, changed), nil
		slices.SortFunc(changed, func(a, b chatRow) int { return strings.Compare(a.chat.ID, b.chat.ID) })
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

func (c *commit) copyChats(ctx context.Context, tx pgx.Tx, rows []chatRow) error {
	return copyIn(ctx, tx, "groupchat.chat", chatColumns, len(rows), func(row *copyRow, i int) {
		r, t := &rows[i], &rows[i].chat
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

func (c *commit) upsertChats(ctx context.Context, tx pgx.Tx, rows []chatRow) error {
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
		r, t := &rows[i], &rows[i].chat
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
