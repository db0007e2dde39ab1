package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// taskRow is the newest that the pages of a commit tell of a task.
type taskRow struct {
	task   model.SOPTask
	readAt time.Time
}

// writeTasks writes the tasks that differ from what the list told before.
func (c *commit) writeTasks(ctx context.Context, tx pgx.Tx) error {
	newest := map[string]*taskRow{}
	for _, p := range c.pages {
		for _, g := range p.SOPGroups {
			for _, t := range g.Tasks {
				if was := newest[t.ID]; was == nil || !was.readAt.After(p.RequestedAt) {
					newest[t.ID] = &taskRow{task: t, readAt: p.RequestedAt}
				}
			}
		}
	}
	if len(newest) == 0 {
		return nil
	}
	ids := sortedKeys(newest)
	sums := make([]int64, len(ids))
	for i, id := range ids {
		c.hash.reset()
		c.hash.task(newest[id].task)
		sums[i] = c.hash.sum()
	}
	places, err := c.differing(ctx, tx, "sop_task_ask", ids, sums, func(i int) time.Time { return newest[ids[i]].readAt })
	if err != nil || len(places) == 0 {
		return err
	}
	n := len(places)
	id, chat, read, sum := make([]string, n), make([]string, n), make([]time.Time, n), make([]int64, n)
	text := [6][]*string{}
	for i := range text {
		text[i] = make([]*string, n)
	}
	status, mode, starts := make([]*int64, n), make([]*int64, n), make([]*time.Time, n)
	for i, place := range places {
		r := newest[ids[place]]
		t := &r.task
		id[i], chat[i], read[i], sum[i] = t.ID, t.ChatID, r.readAt, sums[place]
		for j, s := range []*string{t.InfoID, t.Title, t.CreatorID, t.OwnerID, t.OwnerName, extraText(t.Extra)} {
			text[j][i] = s
		}
		status[i], mode[i], starts[i] = t.SendStatus, t.Mode, t.StartsAt
	}
	changed, err := exec(ctx, tx, "sop_task_upsert", c.source, c.pass.Scope, id, text[0], chat, text[1], status, mode,
		text[2], text[3], text[4], starts, text[5], read, sum)
	c.counts.RowsChanged += changed
	return err
}

// differing returns the places of the ids whose rows are to be written: those that
// are new, gone, or of which the list has told something else or under another
// scope; none that an answer requested later has written.
func (c *commit) differing(ctx context.Context, tx pgx.Tx, ask string, ids []string, sums []int64,
	readAt func(place int) time.Time,
) ([]int, error) {
	stored, err := c.askDiffering(ctx, tx, ask, ids, sums)
	if err != nil {
		return nil, err
	}
	var places []int
	for _, was := range stored {
		at := readAt(was.place - 1)
		if overtaken := later(was.listedAt, at) || later(was.goneAt, at); !overtaken || c.pass.Full {
			places = append(places, was.place-1)
		}
	}
	return places, nil
}

// writeCalendars writes the calendars of chats whose answers tell them.
func (c *commit) writeCalendars(ctx context.Context, tx pgx.Tx) error {
	told := map[string]*toldSet[int]{}
	raws := map[string][]json.RawMessage{}
	for _, p := range c.pages {
		for _, g := range p.SOPGroups {
			if g.Calendars == nil || !newer(told, g.ChatID, p.RequestedAt) {
				continue
			}
			set := &toldSet[int]{readAt: p.RequestedAt, hashes: make(map[int]int64, len(g.Calendars))}
			for i, raw := range g.Calendars {
				set.hashes[i+1] = hashBytes(raw)
			}
			told[g.ChatID], raws[g.ChatID] = set, g.Calendars
		}
	}
	changes, err := diffSets(ctx, tx, c, "chat_calendar_ask", told)
	if err != nil || len(changes) == 0 {
		return err
	}
	n := len(changes)
	chat, ordinal, read := make([]string, n), make([]int, n), make([]time.Time, n)
	present, raw, hash := make([]bool, n), make([]*string, n), make([]int64, n)
	for i, e := range changes {
		chat[i], ordinal[i], read[i], present[i], hash[i] = e.chatID, e.key, e.readAt, e.present, e.hash
		if e.present {
			raw[i] = new(jsonText(raws[e.chatID][e.key-1]))
		}
	}
	changed, err := exec(ctx, tx, "chat_calendar_upsert", c.source, chat, ordinal, read, present, raw, hash)
	c.counts.RowsChanged += changed
	return err
}

// jsonText returns JSON of an unknown shape as a json column can hold it; what is
// not JSON becomes a text.
func jsonText(raw json.RawMessage) string {
	if text := cleanText(string(raw)); json.Valid([]byte(text)) {
		return text
	}
	text, err := json.Marshal(cleanText(string(raw)))
	if err != nil {
		panic(fmt.Sprintf("store: encode text: %v", err)) // a string always can be
	}
	return string(text)
}

// writeTags writes the tags of chats whose answers tell them.
func (c *commit) writeTags(ctx context.Context, tx pgx.Tx) error {
	told := map[string]*toldSet[string]{}
	for _, p := range c.pages {
		for _, g := range p.SOPGroups {
			if g.Tags == nil || !newer(told, g.ChatID, p.RequestedAt) {
				continue
			}
			set := &toldSet[string]{readAt: p.RequestedAt, hashes: make(map[string]int64, len(g.Tags))}
			for _, tag := range g.Tags {
				set.hashes[cleanText(tag)] = 0
			}
			told[g.ChatID] = set
		}
	}
	changes, err := diffSets(ctx, tx, c, "chat_tag_ask", told)
	if err != nil || len(changes) == 0 {
		return err
	}
	n := len(changes)
	chat, tag, read, present := make([]string, n), make([]string, n), make([]time.Time, n), make([]bool, n)
	for i, e := range changes {
		chat[i], tag[i], read[i], present[i] = e.chatID, e.key, e.readAt, e.present
	}
	changed, err := exec(ctx, tx, "chat_tag_upsert", c.source, chat, tag, read, present)
	c.counts.RowsChanged += changed
	return err
}

// toldSet is the whole set of something that an answer tells of a chat, each
// element with a hash of its content.
type toldSet[K cmp.Ordered] struct {
	readAt time.Time
	hashes map[K]int64
}

// newer reports whether an answer requested then is not older than the one in told.
func newer[K cmp.Ordered](told map[string]*toldSet[K], chatID string, at time.Time) bool {
	was := told[chatID]
	return was == nil || !was.readAt.After(at)
}

// setChange is an element that is new, differs, is back or gone.
type setChange[K cmp.Ordered] struct {
	chatID  string
	key     K
	readAt  time.Time
	hash    int64
	present bool
}

// storedElement is what a statement asked by [diffSets] returns.
type storedElement struct {
	hash      int64
	present   bool
	changedAt time.Time
}

// diffSets returns what has to be written of the sets that were told, by chat and
// key. A chat whose set an answer requested later has changed is left alone.
func diffSets[K cmp.Ordered](ctx context.Context, tx pgx.Tx, c *commit, ask string, told map[string]*toldSet[K],
) ([]setChange[K], error) {
	if len(told) == 0 {
		return nil, nil
	}
	chats := sortedKeys(told)
	stored, overtaken := map[string]map[K]storedElement{}, map[string]bool{}
	var id string
	var key K
	var e storedElement
	err := each(ctx, tx, ask, []any{c.source, chats}, []any{&id, &key, &e.hash, &e.present, &e.changedAt}, func() {
		if stored[id] == nil {
			stored[id] = map[K]storedElement{}
		}
		stored[id][key] = e
		overtaken[id] = overtaken[id] || e.changedAt.After(told[id].readAt) && !c.pass.Full
	})
	if err != nil {
		return nil, err
	}
	var changes []setChange[K]
	for _, id := range chats {
		if !overtaken[id] {
			changes = append(changes, diffSet(id, told[id], stored[id], c.pass.Full)...)
		}
	}
	return changes, nil
}

// diffSet is [diffSets] for one chat.
func diffSet[K cmp.Ordered](chatID string, told *toldSet[K], stored map[K]storedElement, full bool) []setChange[K] {
	var changes []setChange[K]
	for key, hash := range told.hashes {
		was, known := stored[key]
		if full || !known || !was.present || was.hash != hash {
			changes = append(changes, setChange[K]{chatID, key, told.readAt, hash, true})
		}
	}
	for key, was := range stored {
		if _, still := told.hashes[key]; was.present && !still {
			changes = append(changes, setChange[K]{chatID, key, told.readAt, was.hash, false})
		}
	}
	slices.SortFunc(changes, func(a, b setChange[K]) int { return cmp.Compare(a.key, b.key) })
	return changes
}
