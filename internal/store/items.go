package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// detailStream says which records a detail stream reads one by one.
type detailStream struct {
	// wanted names the statement that selects them, see sql/items/lacking.sql.
	wanted string
	// drops says that a record that is not selected any more loses its item.
	drops bool
	// closes names the statements that note of records that they are not read any
	// more: of streams whose records are followed for a while only.
	closes []string
	// reopens names the statement that has records read again that were closed, for a
	// full pass; with those that rest. "" leaves them alone.
	reopens string
	// fan names the statement that counts records from which more of these will
	// come, and how many came from one so far; "" where none do.
	fan string
}

// detailStreams are all of them, by name.
var detailStreams = map[string]detailStream{
	"members":     {wanted: "item_want_members"},
	"chat_checks": {wanted: "item_want_chat_checks", drops: true},
	streamReads:   {wanted: "item_want_message_reads", drops: true, closes: []string{"robot_message_close"}},
	streamTasks: {
		wanted: "item_want_group_message_tasks", drops: true,
		closes: []string{"group_message_close", "group_message_task_end"}, reopens: "group_message_reopen",
	},
	streamResults: {
		wanted: "item_want_group_message_results", drops: true,
		closes: []string{"group_message_task_close"}, reopens: "group_message_task_reopen", fan: "group_message_fan",
	},
	streamJoinWays: {wanted: "item_want_join_ways", drops: true},
}

func detailStreamOf(stream string) (detailStream, error) {
	d, ok := detailStreams[stream]
	if !ok {
		return d, fmt.Errorf("stream %s has no statement that selects its records", stream)
	}
	return d, nil
}

// statement is what goes on from the records that are wanted.
func (d detailStream) statement(rest string) string {
	return "with wanted as (\n" + q(d.wanted) + "), " + q("items/lacking") + q("items/"+rest)
}

// args are the parameters of items/lacking.
func (d detailStream) args(source, stream string, always []string) []any {
	if always == nil {
		always = []string{}
	}
	return []any{source, stream, always, d.drops}
}

// seedItems gives the records of a detail stream their items.
func seedItems(ctx context.Context, tx pgx.Tx, pass model.Pass, plan model.PassPlan) error {
	d, err := detailStreamOf(pass.Stream)
	if err != nil {
		return err
	}
	if follow := plan.Spec.Follow; plan.Full && d.reopens != "" && follow != nil && follow.Reach > 0 {
		if _, err := exec(ctx, tx, d.reopens, pass.Source, plan.Now.Add(-follow.Reach)); err != nil {
			return err
		}
		if _, err := exec(ctx, tx, "item_wake", pass.Source, pass.Stream); err != nil {
			return err
		}
	}
	args := append(d.args(pass.Source, pass.Stream, plan.Spec.Items), plan.Now)
	if _, err := tx.Exec(ctx, d.statement("seed"), args...); err != nil {
		return fmt.Errorf("%s: %w", d.wanted, err)
	}
	if !plan.Full {
		return nil
	}
	_, err = exec(ctx, tx, "item_hasten_all", pass.Source, pass.Stream, plan.Now)
	return err
}

// closeRecords notes which records are not followed any more. One whose item was
// dropped since it was asked for is another one by now, or none.
func (c *commit) closeRecords(ctx context.Context, tx pgx.Tx) error {
	closed := map[string]int{}
	for i := range c.steps {
		subject := c.steps[i].Chain.Subject
		if _, asked := c.items[subject]; asked && c.steps[i].Item != nil && c.steps[i].Item.Closed != "" {
			closed[subject] = i
		}
	}
	if len(closed) == 0 {
		return nil
	}
	subjects := sortedKeys(closed)
	at, reasons := make([]time.Time, len(subjects)), make([]string, len(subjects))
	for i, subject := range subjects {
		step := &c.steps[closed[subject]]
		at[i], reasons[i] = step.Item.At, cleanText(step.Item.Closed)
		if step.Page != nil {
			at[i] = step.Page.ReceivedAt
		}
	}
	for _, statement := range detailStreams[c.stream].closes {
		n, err := exec(ctx, tx, statement, c.source, subjects, at, reasons)
		if err != nil {
			return err
		}
		c.counts.RowsChanged += n
	}
	return nil
}

// PlannedItems counts the items that a pass of a detail stream would read: the
// open one, or where it is not, one that begins now. always are the items of the
// spec.
func (s *Store) PlannedItems(ctx context.Context, pass model.Pass, open bool, now time.Time, always ...string,
) (int64, error) {
	start := now
	if open {
		start = pass.StartedAt
	}
	d, err := detailStreamOf(pass.Stream)
	if err != nil {
		return 0, err
	}
	var n int64
	args := append(d.args(pass.Source, pass.Stream, always), start, !open)
	if err := s.pool.QueryRow(ctx, d.statement("plan"), args...).Scan(&n); err != nil {
		return 0, fmt.Errorf("plan from %s: %w", d.wanted, err)
	}
	return n, nil
}

// Fan is how many items of a detail stream are to come that nobody knows yet.
type Fan struct {
	// Records are those that bring them.
	Records int64
	// Each is how many one of them has brought so far on average; 0 where that is
	// not known.
	Each float64
}

// ItemFan tells how many more items a detail stream is to get from records that
// another stream has not read yet.
func (s *Store) ItemFan(ctx context.Context, source, stream string) (Fan, error) {
	var f Fan
	name := detailStreams[stream].fan
	if name == "" {
		return f, nil
	}
	var each *float64
	if err := s.pool.QueryRow(ctx, q(name), source).Scan(&f.Records, &each); err != nil {
		return f, fmt.Errorf("%s: %w", name, err)
	}
	if each != nil {
		f.Each = *each
	}
	return f, nil
}
