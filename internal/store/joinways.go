package store

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"syncd/internal/model"
)

// streamJoinWays is the stream that reads ways to join chats.
const streamJoinWays = "join_ways"

var joinWays = kind[model.JoinWay]{
	of: func(p *model.Page) []model.JoinWay { return p.JoinWays },
	values: func(w model.JoinWay) []any {
		return []any{
			w.ID, w.Scene, w.Remark, w.AutoCreateRoom, w.RoomBaseName, w.RoomBaseID, listText(w.ChatIDs), w.QRCode, w.State,
			extraText(w.Extra),
		}
	},
	keys: 1, ask: "join_way_ask", upsert: "join_way_upsert",
}

// writeJoinWays writes join ways, and marks those that the vendor says are gone.
func (c *commit) writeJoinWays(ctx context.Context, tx pgx.Tx) error {
	if err := joinWays.write(ctx, tx, c); err != nil || c.stream != streamJoinWays {
		return err
	}
	gone := map[string]*model.ItemMove{}
	for i := range c.steps {
		if move := c.steps[i].Item; move != nil && move.Gone {
			gone[c.steps[i].Chain.Subject] = move
		}
	}
	if len(gone) == 0 {
		return nil
	}
	ids := sortedKeys(gone)
	at, codes := make([]time.Time, len(ids)), make([]string, len(ids))
	for i, id := range ids {
		at[i], codes[i] = gone[id].At, cleanText(gone[id].FailedCode)
	}
	c.settled = make(map[string]bool, len(ids))
	for _, id := range ids {
		c.settled[id] = true
	}
	n, err := exec(ctx, tx, "join_way_gone", c.source, ids, at, codes)
	c.counts.RowsChanged += n
	return err
}
