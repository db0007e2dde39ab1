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

// Commit writes the rows of the steps, moves their checkpoints and items and
// counts them, all in one transaction under the lease. The results are parallel
// to steps. [model.ErrLeaseLost] and [model.ErrCheckpointMoved] mean that
// nothing was written.
func (s *Store) Commit(ctx context.Context, lease model.Lease, pass model.Pass, steps []model.Step,
) ([]model.StepResult, model.Counts, error) {
	var c *commit
	err := s.fenced(ctx, lease, func(tx pgx.Tx) error {
		c = &commit{
			source: lease.Source, stream: lease.Stream, pass: pass, steps: steps,
			results: make([]model.StepResult, len(steps)), upsertOnly: c != nil, hash: newHasher(),
		}
		return c.run(ctx, tx)
	})
	if err != nil {
		return nil, model.Counts{}, fmt.Errorf("commit %d steps: %w", len(steps), err)
	}
	return c.results, c.counts, nil
}

// commit is one attempt at a transaction. Tables are written in one fixed order
// and every statement has its keys sorted, so that two commits hardly ever wait
// for each other in a circle: one that writes details and finds other chats gone
// locks rows of chats twice, and may have to be repeated.
type commit struct {
	source, stream string
	pass           model.Pass
	steps          []model.Step
	results        []model.StepResult
	// upsertOnly is set once COPY has met a row that somebody else had inserted.
	upsertOnly bool
	hash       *hasher
	counts     model.Counts
	// items is what is stored of the items of the steps, by subject.
	items map[string]storedItem
	// applied are the details that were written, held the hashes of those that
	// were held back, by step.
	applied []*detailRow
	held    map[int]int64
	// idsNoted counts the ids that this commit has added to sync.page.
	idsNoted int64
	// gone are the chats that this commit marks as gone, with the reason.
	gone map[string]string
	// resting are the items that need not be read again by themselves.
	resting map[string]bool
	// settled are those of which this commit has noted that the record is gone.
	settled map[string]bool
}

// writers are the parts of a commit in their order: first the facts, to which a
// stream that brings a table adds its own, then what goes with them.
var writers = []func(*commit, context.Context, pgx.Tx) error{
	(*commit).writeListedChats, (*commit).writeDetails, (*commit).confirm, (*commit).writeOwners,
	(*commit).writeOwnerStats, (*commit).writeDayParts, (*commit).writePeriodStats,
	(*commit).writeTasks, (*commit).writeCalendars, (*commit).writeTags,
	(*commit).writeGroupSets, (*commit).writeMessageReads,
	(*commit).writeGroupMessages, (*commit).writeMessageTasks, (*commit).writeMessageResults, (*commit).writeJoinWays,

	(*commit).closeRecords, (*commit).noteIDs, (*commit).moveItems, (*commit).moveCoverage, (*commit).sumDays,
	(*commit).noteCulprits, (*commit).noteOutside, (*commit).noteDisorder, (*commit).keepRejects, (*commit).moveCheckpoints, (*commit).count,
}

func (c *commit) run(ctx context.Context, tx pgx.Tx) error {
	for _, write := range writers {
		if err := write(c, ctx, tx); err != nil {
			return err
		}
	}
	return nil
}

// pages yields the steps that carry a page, with their positions.
func (c *commit) pages(yield func(int, *model.Page) bool) {
	for i := range c.steps {
		if p := c.steps[i].Page; p != nil && !yield(i, p) {
			return
		}
	}
}

// moveCheckpoints moves each chain once, from where its first step was read to
// where its last one leads.
func (c *commit) moveCheckpoints(ctx context.Context, tx pgx.Tx) error {
	type move struct {
		from int64
		last *model.Step
	}
	moves := map[string]*move{}
	for i := range c.steps {
		step := &c.steps[i]
		if !step.OfChain() {
			continue
		}
		m, ok := moves[step.Chain.Subject]
		if !ok {
			m = &move{from: step.From}
			moves[step.Chain.Subject] = m
		}
		m.last = step
	}
	for _, subject := range sortedKeys(moves) {
		m := moves[subject]
		var n int64
		var err error
		if m.last.Closed {
			n, err = exec(ctx, tx, "checkpoint_close", c.source, c.stream, subject, m.from)
			if err == nil && m.last.Lane != "" && !m.last.Mark.IsZero() {
				_, err = exec(ctx, tx, "watermark_raise", c.source, c.stream, m.last.Lane, c.pass.Scope, m.last.Mark)
			}
		} else {
			to := m.last.To
			n, err = exec(ctx, tx, "checkpoint_move", c.source, c.stream, subject, m.from, to.Version,
				to.Cursor, to.Pages, to.Restarts, string(to.Chain.Params), to.UpdatedAt, timeOrNull(to.Watermark),
				timeOrNull(to.Chain.Bounds.After), to.Resumes, to.Unordered)
		}
		if err != nil {
			return err
		}
		if n != 1 {
			return fmt.Errorf("chain %s: %w", subject, model.ErrCheckpointMoved)
		}
		if len(m.last.Split) > 0 {
			if err := openChains(ctx, tx, c.pass, m.last.To.UpdatedAt, m.last.Split, nil); err != nil {
				return err
			}
		}
	}
	return nil
}

// keepRejects keeps what could not be read.
func (c *commit) keepRejects(ctx context.Context, tx pgx.Tx) error {
	var kinds, parents, ids, raws, reasons []string
	var hashes []int64
	var seenAt []time.Time
	seen := map[string]bool{}
	for _, p := range c.pages {
		for _, r := range p.Rejects {
			c.counts.Rejects++
			if r.ID == "" {
				c.counts.RejectsBlind++
			}
			hash, parent, id := hashBytes(r.Raw), cleanText(r.Parent), cleanText(r.ID)
			key := strings.Join([]string{r.Kind, parent, id, fmt.Sprint(hash)}, "\x00")
			if seen[key] {
				continue
			}
			seen[key] = true
			kinds, parents = append(kinds, r.Kind), append(parents, parent)
			ids, raws = append(ids, id), append(raws, cleanText(string(r.Raw)))
			reasons, hashes = append(reasons, cleanText(r.Reason)), append(hashes, hash)
			seenAt = append(seenAt, p.ReceivedAt)
		}
	}
	if len(kinds) == 0 {
		return nil
	}
	_, err := exec(ctx, tx, "reject_add", c.source, c.stream, c.pass.ID, kinds, parents, ids, hashes, raws, reasons, seenAt)
	return err
}

// count adds this transaction to the counters of the pass.
func (c *commit) count(ctx context.Context, tx pgx.Tx) error {
	n := &c.counts
	shifted := false
	for i := range c.steps {
		step := &c.steps[i]
		n.Calls += int64(step.Calls)
		n.Retries += int64(max(step.Calls-1, 0))
		if p := step.Page; p != nil {
			n.Pages++
			n.RowsRead += int64(p.Rows())
			n.Calls += int64(p.Calls)
			n.Retries += int64(max(p.Calls-1, 0))
			shifted = shifted || p.Shifted
			if step.OfChain() && step.To.Pages == 1 && step.To.Restarts == 0 {
				n.Add(model.Counts{TotalFirst: p.Total})
			}
			if step.OfChain() && step.Closed {
				n.Add(model.Counts{TotalLast: p.Total})
			}
		} else if step.OfChain() && !step.Closed && !step.Resumed {
			n.Restarts++
		}
		if step.Item != nil && step.Item.FailedCode != "" {
			if step.Item.NotReady {
				continue
			}
			if step.Item.Refused {
				n.ItemsRefused++
			} else {
				n.ItemsFailed++
			}
		}
	}
	changed, err := exec(ctx, tx, "pass_count", c.pass.ID, n.Pages, n.RowsRead, n.RowsChanged, n.Calls,
		n.Retries, n.Restarts, n.Rejects, n.RejectsBlind, n.ItemsFailed,
		n.ItemsRefused, n.TotalFirst, n.TotalLast, c.idsNoted, shifted)
	if err != nil {
		return err
	}
	if changed != 1 {
		return fmt.Errorf("pass %d is closed: %w", c.pass.ID, model.ErrCheckpointMoved)
	}
	return nil
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
