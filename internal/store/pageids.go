package store

import (
	"context"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// seenKey is one row of sync.page.
type seenKey struct {
	subject string
	record  model.Record
}

// seen are the ids that the pages of one chain hold of one kind of record, and the
// least and greatest total that the vendor gave with them.
type seen struct {
	ids       []string
	low, high *int64
}

// noteIDs notes which ids a list pass has seen. An element that could not be read
// is seen, too, where its id could.
func (c *commit) noteIDs(ctx context.Context, tx pgx.Tx) error {
	rows := map[seenKey]*seen{}
	for i, p := range c.pages {
		if c.steps[i].OfChain() {
			seeIDs(rows, c.steps[i].Chain.Subject, p, c.pass.Counted)
		}
	}
	names := make(map[string]seenKey, len(rows))
	for key := range rows {
		names[key.subject+"\x00"+string(key.record)] = key
	}
	for _, name := range sortedKeys(names) {
		key := names[name]
		row := rows[key]
		_, err := exec(ctx, tx, "page_add", c.pass.ID, key.subject, key.record, row.ids, row.low, row.high)
		if err != nil {
			return err
		}
		c.idsNoted += int64(len(row.ids))
	}
	return nil
}

// seeIDs adds the ids of a page. The vendor's totals count records of the kind
// counted; "" is none.
func seeIDs(rows map[seenKey]*seen, subject string, p *model.Page, counted model.Record) {
	of := func(record model.Record) *seen {
		key := seenKey{subject, record}
		if rows[key] == nil {
			rows[key] = &seen{ids: []string{}}
		}
		return rows[key]
	}
	for _, chat := range p.Chats {
		row := of(model.RecordChat)
		row.ids = append(row.ids, chat.ID)
	}
	for _, o := range p.Owners {
		row := of(model.RecordOwner)
		row.ids = append(row.ids, o.ID)
	}
	for _, set := range p.GroupSets {
		row := of(model.RecordGroupSet)
		row.ids = append(row.ids, set.ID)
	}
	for _, g := range p.SOPGroups {
		for _, t := range g.Tasks {
			row := of(model.RecordTask)
			row.ids = append(row.ids, t.ID)
		}
	}
	for _, r := range p.Rejects {
		switch record := model.Record(r.Kind); record {
		case model.RecordChat, model.RecordOwner, model.RecordGroupSet, model.RecordTask:
			if r.ID != "" {
				row := of(record)
				row.ids = append(row.ids, cleanText(r.ID))
			}
		}
	}
	if p.Total != nil && counted != "" {
		of(counted).total(*p.Total)
	}
}

func (s *seen) total(n int64) {
	if s.low == nil || n < *s.low {
		s.low = &n
	}
	if s.high == nil || n > *s.high {
		s.high = &n
	}
}
