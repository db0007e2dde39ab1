package store

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"
)

// writeMessageReads writes the status of robot messages and who has read them.
func (c *commit) writeMessageReads(ctx context.Context, tx pgx.Tx) error {
	if err := c.writeMessageStatus(ctx, tx); err != nil {
		return err
	}
	return c.addReaders(ctx, tx)
}

// messageStatus is the newest status that the pages of a commit tell of a message.
type messageStatus struct {
	status *string
	readAt time.Time
}

func (c *commit) writeMessageStatus(ctx context.Context, tx pgx.Tx) error {
	newest := map[string]messageStatus{}
	for _, p := range c.pages {
		for _, m := range p.MessageReads {
			was, known := newest[m.Key]
			if !known || !was.readAt.After(p.RequestedAt) && (m.SendStatus != nil || was.status == nil) {
				newest[m.Key] = messageStatus{m.SendStatus, p.RequestedAt}
			}
		}
	}
	if len(newest) == 0 {
		return nil
	}
	keys := sortedKeys(newest)
	statuses := make([]*string, len(keys))
	for i, key := range keys {
		statuses[i] = newest[key].status
	}
	var place int
	var checkedAt *time.Time
	var differ []string
	err := each(ctx, tx, "robot_message_ask", []any{c.source, keys, statuses, c.pass.Full},
		[]any{&place, &checkedAt}, func() {
			key := keys[place-1]
			if !later(checkedAt, newest[key].readAt) || c.pass.Full {
				differ = append(differ, key)
			}
		})
	if err != nil {
		return err
	}
	if len(differ) == 0 {
		return nil
	}
	slices.Sort(differ)
	told, read := make([]*string, len(differ)), make([]time.Time, len(differ))
	for i, key := range differ {
		told[i], read[i] = newest[key].status, newest[key].readAt
	}
	n, err := exec(ctx, tx, "robot_message_status", c.source, differ, told, read)
	c.counts.RowsChanged += n
	return err
}

// readerKey is the key of a reader of a message.
type readerKey struct{ message, user string }

// addReaders adds the readers that are new, with the earliest answer that had them.
func (c *commit) addReaders(ctx context.Context, tx pgx.Tx) error {
	first := map[readerKey]time.Time{}
	for _, p := range c.pages {
		for _, m := range p.MessageReads {
			for _, id := range m.ReaderIDs {
				key := readerKey{m.Key, cleanText(id)}
				if at, known := first[key]; !known || p.RequestedAt.Before(at) {
					first[key] = p.RequestedAt
				}
			}
		}
	}
	if len(first) == 0 {
		return nil
	}
	keys := make([]readerKey, 0, len(first))
	for key := range first {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b readerKey) int {
		return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(a.user, b.user))
	})
	messages, users, read := make([]string, len(keys)), make([]string, len(keys)), make([]time.Time, len(keys))
	for i, key := range keys {
		messages[i], users[i], read[i] = key.message, key.user, first[key]
	}
	n, err := exec(ctx, tx, "robot_message_read_add", c.source, messages, users, read)
	c.counts.RowsChanged += n
	return err
}
