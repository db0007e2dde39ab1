package dingtalk

import (
	"context"
	"fmt"
	"net/http"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// Documented are the call limits that the vendor publishes for its standard
// edition: per app and endpoint, and per month for the whole organisation, all
// its apps together (vendor page 调用频次与限流, 2026-05-09). Those of other
// editions are not published.
func (c *Client) Documented() fetch.Limits {
	return fetch.Limits{PerSecond: 20, PerMonth: 5000, Zone: c.zone}
}

// Try makes the cheapest call of each endpoint that a sync needs and that can be
// called without knowing more, in the order in which a sync would: a token, one
// chat of each relation, one group set. Without a token the rest is not tried. It
// takes up to three calls of the month's quota and stores nothing.
func (c *Client) Try(ctx context.Context) []fetch.Trial {
	credential := fetch.Trial{What: "credential", Found: "a token was issued"}
	if credential.Err = c.Check(ctx); credential.Err != nil {
		return []fetch.Trial{credential}
	}
	trials := []fetch.Trial{credential}
	for _, relation := range c.relations {
		trials = append(trials, c.tryChats(ctx, relation))
	}
	return append(trials, c.trySets(ctx))
}

func (c *Client) tryChats(ctx context.Context, relation string) fetch.Trial {
	trial := fetch.Trial{What: "chat list of " + relation}
	query, err := listQuery(listParams{RelationType: relation, MaxResults: 1}, within(c.filter.Conditions, model.Bounds{}), "")
	if err != nil {
		trial.Err = c.bug(endpointChats, err.Error())
		return trial
	}
	page := c.attempt(ctx, &trial, call{
		question: question{endpoint: endpointChats}, query: query,
		read: func(body []byte) (model.Page, error) { return c.readChats(body, relation) },
	})
	switch {
	case trial.Err != nil:
	case len(page.Chats) == 0:
		trial.Found = "it is empty"
		trial.Advice = "where there are such customer groups, look at relation_types and query_dsl"
	case page.Total != nil:
		trial.Found = fmt.Sprintf("it has %d chats", *page.Total)
	default:
		trial.Found = "it has chats"
	}
	return trial
}

func (c *Client) trySets(ctx context.Context) fetch.Trial {
	trial := fetch.Trial{What: "group sets"}
	relation := c.relations[0]
	query, err := listQuery(listParams{RelationType: relation, MaxResults: 1}, Query{}, "")
	if err != nil {
		trial.Err = c.bug(endpointSets, err.Error())
		return trial
	}
	page := c.attempt(ctx, &trial, call{
		question: question{endpoint: endpointSets}, query: query,
		read: func(body []byte) (model.Page, error) { return c.readSets(body, relation) },
	})
	switch {
	case trial.Err != nil:
	case page.Total != nil:
		trial.Found = fmt.Sprintf("there are %d", *page.Total)
	default:
		trial.Found = "the list can be read"
	}
	return trial
}

// attempt makes one call and notes in trial how it ended.
func (c *Client) attempt(ctx context.Context, trial *fetch.Trial, what call) model.Page {
	var header http.Header
	what.heard = func(h http.Header) { header = h }
	page, err := c.do(ctx, what)
	if trial.Err = err; err == nil {
		trial.Clock = fetch.ReadClock(header, page.RequestedAt, page.ReceivedAt)
	}
	return page
}
