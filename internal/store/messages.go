package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// The streams that follow mass messages.
const (
	streamTasks   = "group_message_tasks"
	streamResults = "group_message_results"
)

var groupMessages = kind[model.GroupMessage]{
	of: func(p *model.Page) []model.GroupMessage { return p.GroupMessages },
	values: func(m model.GroupMessage) []any {
		return []any{
			m.ID, m.ChatType, m.CreatorID, m.CreateType, m.CreatedAt, m.Content, extraText(m.Attachments), extraText(m.Extra),
		}
	},
	keys: 1, ask: "group_message_ask", upsert: "group_message_upsert",
}

var messageTasks = kind[model.GroupMessageTask]{
	of: func(p *model.Page) []model.GroupMessageTask { return p.MessageTasks },
	values: func(t model.GroupMessageTask) []any {
		return []any{t.MessageID, t.UserID, t.Status, t.SentAt, extraText(t.Extra)}
	},
	keys: 2, ask: "group_message_task_ask", upsert: "group_message_task_upsert",
}

var messageResults = kind[model.GroupMessageResult]{
	of: func(p *model.Page) []model.GroupMessageResult { return p.MessageResults },
	values: func(r model.GroupMessageResult) []any {
		return []any{r.MessageID, r.UserID, r.ChatID, r.ExternalUserID, r.Status, r.SentAt, extraText(r.Extra)}
	},
	keys: 4, ask: "group_message_result_ask", upsert: "group_message_result_upsert",
}

func (c *commit) writeGroupMessages(ctx context.Context, tx pgx.Tx) error {
	return groupMessages.write(ctx, tx, c)
}

// writeMessageTasks writes senders of mass messages, and closes the messages that
// all of them have sent.
func (c *commit) writeMessageTasks(ctx context.Context, tx pgx.Tx) error {
	if err := messageTasks.write(ctx, tx, c); err != nil || c.stream != streamTasks {
		return err
	}
	told := c.toldSubjects()
	var whole []string
	var read []time.Time
	for _, subject := range sortedKeys(told) {
		if p := told[subject]; len(p.Rejects) == 0 {
			whole, read = append(whole, subject), append(read, p.RequestedAt)
		}
	}
	if len(whole) == 0 {
		return nil
	}
	n, err := exec(ctx, tx, "group_message_settle", c.source, whole, read)
	c.counts.RowsChanged += n
	return err
}

// writeMessageResults writes receivers of mass messages, and lets those senders rest
// of whom nothing new is to be expected: see item_want_group_message_results.
func (c *commit) writeMessageResults(ctx context.Context, tx pgx.Tx) error {
	if err := messageResults.write(ctx, tx, c); err != nil || c.stream != streamResults {
		return err
	}
	told := c.toldSubjects()
	if len(told) == 0 {
		return nil
	}
	subjects := sortedKeys(told)
	read, whole := make([]time.Time, len(subjects)), make([]bool, len(subjects))
	for i, subject := range subjects {
		read[i], whole[i] = told[subject].RequestedAt, len(told[subject].Rejects) == 0
	}
	var resting []string
	var changed int64
	err := tx.QueryRow(ctx, q("group_message_task_read"), c.source, subjects, read, whole).Scan(&resting, &changed)
	if err != nil {
		return fmt.Errorf("group_message_task_read: %w", err)
	}
	c.counts.RowsChanged += changed
	c.resting = make(map[string]bool, len(resting))
	for _, subject := range resting {
		c.resting[subject] = true
	}
	return nil
}

// toldSubjects are the newest pages of the steps of a detail stream, by subject.
func (c *commit) toldSubjects() map[string]*model.Page {
	told := map[string]*model.Page{}
	for i, p := range c.pages {
		subject := c.steps[i].Chain.Subject
		if was := told[subject]; c.steps[i].Item != nil && (was == nil || !was.RequestedAt.After(p.RequestedAt)) {
			told[subject] = p
		}
	}
	return told
}
