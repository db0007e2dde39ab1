package store

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// confirm settles the candidates that this commit has read directly: one that
// could be read is no candidate, one that the vendor says is gone is marked so. Where
// a candidate is read for that reason only, the former rests, see wakeCandidates.
func (c *commit) confirm(ctx context.Context, tx pgx.Tx) error {
	if c.pass.Confirms == "" || len(c.items) == 0 {
		return nil
	}
	candidates, err := c.askCandidates(ctx, tx)
	if err != nil || len(candidates) == 0 {
		return err
	}
	var settled, there []string
	var readAt []time.Time // parallel to there
	var gone goneChats
	for i := range c.steps {
		step := &c.steps[i]
		id := step.Chain.Subject
		if step.Item == nil || !candidates[id] {
			continue
		}
		switch {
		case step.Page != nil && !c.results[i].Stale && !c.results[i].Held:
			there, readAt = append(there, id), append(readAt, step.Page.ReceivedAt)
			detail := "the list of pass %d lacks it, and yet it can be read"
			err := addFinding(ctx, tx, c.pass, findingNotGone, id, fmt.Sprintf(detail, c.pass.ID), "", step.Page.ReceivedAt)
			if err != nil {
				return err
			}
		case step.Item.Gone && c.gone[id] == "":
			settled = append(settled, id)
			if c.gone == nil {
				c.gone = map[string]string{}
			}
			c.gone[id] = step.Item.FailedCode
			gone.add(id, step.Item.FailedCode, c.items[id].fetchedAt, step.Item.At)
		}
	}
	if !detailStreams[c.stream].drops {
		settled = append(settled, there...)
	} else if len(there) > 0 {
		_, err := exec(ctx, tx, "candidate_rest", c.source, c.pass.Confirms, model.RecordChat, there, readAt)
		if err != nil {
			return err
		}
	}
	if len(settled) == 0 {
		return nil
	}
	if err := c.markGone(ctx, tx, gone); err != nil {
		return err
	}
	_, err = exec(ctx, tx, "candidate_drop", c.source, c.pass.Confirms, model.RecordChat, settled)
	return err
}

// goneChats are parallel arrays.
type goneChats struct {
	ids, reasons []string
	lastRead     []*time.Time
	at           []time.Time
}

func (g *goneChats) add(id, reason string, lastRead *time.Time, at time.Time) {
	g.ids, g.reasons = append(g.ids, id), append(g.reasons, reason)
	g.lastRead, g.at = append(g.lastRead, lastRead), append(g.at, at)
}

// markGone marks chats as gone and closes their spells.
func (c *commit) markGone(ctx context.Context, tx pgx.Tx, g goneChats) error {
	if len(g.ids) == 0 {
		return nil
	}
	n, err := exec(ctx, tx, "chat_gone", c.source, g.ids, g.reasons, g.at)
	if err != nil {
		return err
	}
	c.counts.RowsChanged += n
	n, err = exec(ctx, tx, "chat_member_gone", c.source, g.ids, g.lastRead, g.at)
	c.counts.RowsChanged += n
	return err
}

func (c *commit) askCandidates(ctx context.Context, tx pgx.Tx) (map[string]bool, error) {
	found, err := column(ctx, tx, "candidate_ask", c.source, c.pass.Confirms, model.RecordChat, sortedKeys(c.items))
	if err != nil {
		return nil, err
	}
	candidates := make(map[string]bool, len(found))
	for _, id := range found {
		candidates[id] = true
	}
	return candidates, nil
}

// noteOutside leaves a finding for every chain whose time is out of the vendor's
// reach.
func (c *commit) noteOutside(ctx context.Context, tx pgx.Tx) error {
	for i := range c.steps {
		step := &c.steps[i]
		if step.Outside == "" {
			continue
		}
		bounds := step.Chain.Bounds
		detail := fmt.Sprintf("the vendor refuses to list what was created from %s to %s (%s)",
			bounds.After.UTC().Format(time.RFC3339), bounds.Until.UTC().Format(time.RFC3339), step.Outside)
		err := addFinding(ctx, tx, c.pass, findingOutside, step.Chain.Subject, detail, "lower backfill_days of the stream", step.To.UpdatedAt)
		if err != nil {
			return err
		}
	}
	return nil
}

// noteDisorder leaves a finding for every chain that came to its end in another order
// than it was asked for.
func (c *commit) noteDisorder(ctx context.Context, tx pgx.Tx) error {
	const detail = "the vendor does not list the oldest first, although it is asked to; nothing is missing, " +
		"but a list whose cursor is lost begins anew, which takes calls"
	for i := range c.steps {
		step := &c.steps[i]
		if !step.Disordered {
			continue
		}
		if err := addFinding(ctx, tx, c.pass, findingDisorder, step.Chain.Subject, detail, "", step.To.UpdatedAt); err != nil {
			return err
		}
	}
	return nil
}

// noteCulprits keeps the owners whom the vendor refused, and forgets the trouble
// of those it took again.
func (c *commit) noteCulprits(ctx context.Context, tx pgx.Tx) error {
	var taken []string
	for i := range c.steps {
		step := &c.steps[i]
		if bad := step.Culprit; bad != nil {
			subject := model.CulpritSubject(bad.OwnerID)
			_, err := exec(ctx, tx, "item_refuse", c.source, c.stream, subject, bad.At, bad.DueAt, bad.Code)
			if err != nil {
				return err
			}
			lacks := "chats that only this owner lists are not synced, and none of the owner's chats is marked gone"
			if step.Window != nil {
				lacks = "the figures of the owner's batch are without them"
			}
			detail := fmt.Sprintf("the vendor refuses this owner in a filter (%s); %s", bad.Code, lacks)
			if err := addFinding(ctx, tx, c.pass, findingOwnerRefused, bad.OwnerID, detail, "", bad.At); err != nil {
				return err
			}
		} else if step.Page != nil && (step.Closed || step.Window != nil) {
			for _, id := range step.Chain.Owners {
				taken = append(taken, model.CulpritSubject(id))
			}
		}
	}
	if len(taken) == 0 {
		return nil
	}
	slices.Sort(taken)
	_, err := exec(ctx, tx, "item_drop", c.source, c.stream, slices.Compact(taken))
	return err
}
