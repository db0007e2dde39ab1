package scrm

import (
	"context"
	"fmt"
	"net/http"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// Documented are the call limits that the vendor publishes. None were found.
func (c *Client) Documented() fetch.Limits { return fetch.Limits{} }

// Try makes the one call that a sync needs, for the first page of its first list.
// It takes one or two calls and stores nothing.
func (c *Client) Try(ctx context.Context) []fetch.Trial {
	trial := fetch.Trial{What: "signature and group list"}
	var user int64
	if len(c.filters.UserIDs) > 0 {
		user = c.filters.UserIDs[0]
	}
	at := position{Page: 1, Size: int64(c.pageSize)}
	var header http.Header
	var told listing
	measured, err := c.do(ctx, c.ask(c.params(user), model.Bounds{}, at), func(a fetch.Answer) (outcome, error) {
		header = a.Header
		out, got, _, err := c.readGroups(a.Body)
		if err != nil || out.code != 0 {
			return out, err
		}
		told = got
		_, _, err = at.after(got)
		return out, err
	})
	trial.Clock = fetch.ReadClock(header, measured.RequestedAt, measured.ReceivedAt)
	if trial.Err = err; err != nil {
		return []fetch.Trial{trial}
	}
	trial.Found = fmt.Sprintf("%d groups", told.total)
	switch {
	case told.total == 0:
		trial.Advice = "the list is empty: check what the app may see, and the stream's user_ids, keyword and tag_group_ids"
	case told.size > 0 && told.size != at.Size:
		trial.Advice = fmt.Sprintf("the vendor gives pages of %d groups, not of %d: set the stream's page_size", told.size, at.Size)
	}
	return []fetch.Trial{trial}
}
