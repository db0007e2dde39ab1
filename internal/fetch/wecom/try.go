package wecom

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// Documented are the call limits that the vendor publishes: per corp and
// endpoint, and free to change at any time (vendor doc 90312, read 2026-11-20).
// What may be in flight at once is not published.
func (c *Client) Documented() fetch.Limits {
	return fetch.Limits{PerMinute: 10_000, PerHour: 150_000}
}

// Try makes the cheapest call of each endpoint that a sync needs, in the order in
// which a sync would: a token, the members who may own chats, one row of the
// chat list, the detail of that chat, and where they are asked for, one mass message
// and one join way. Without a token the rest is not tried. It takes at most seven
// calls and stores nothing.
func (c *Client) Try(ctx context.Context) []fetch.Trial {
	credential := fetch.Trial{What: "credential", Found: "a token was issued"}
	if credential.Err = c.Check(ctx); credential.Err != nil {
		return []fetch.Trial{credential}
	}
	owners, people := c.tryOwners(ctx)
	list, chat := c.tryList(ctx, people)
	trials := []fetch.Trial{credential, owners, list, c.tryDetail(ctx, chat)}
	if c.messages != nil {
		trials = append(trials, c.tryMessages(ctx))
	}
	if c.joinWays != nil && len(c.joinWays.ConfigIDs) > 0 {
		trials = append(trials, c.tryJoinWay(ctx))
	}
	return trials
}

func (c *Client) tryOwners(ctx context.Context) (fetch.Trial, []string) {
	trial := fetch.Trial{What: "owner list"}
	page := c.attempt(ctx, &trial, call{endpoint: endpointOwners}, func(body []byte) (outcome, model.Page, error) {
		return c.readOwners(body, nil)
	})
	var people []string
	for _, o := range page.Owners {
		people = append(people, o.ID)
	}
	trial.Found = fmt.Sprintf("%d people may own chats", len(people))
	if trial.Err == nil && len(people) == 0 {
		trial.Advice = "give people 客户联系 in the admin console and put them into the app's visible range (可见范围)"
	}
	return trial, people
}

// tryList asks for one row, of the configured owners if there are any. A vendor
// that wants to be asked for fewer people at once is asked for some of those who
// may own chats. The second result is the id of a chat, or "".
func (c *Client) tryList(ctx context.Context, people []string) (fetch.Trial, string) {
	trial := fetch.Trial{What: "chat list"}
	ask := func(owners []string) model.Page {
		request := chatsRequest{Limit: 1}
		if len(owners) > 0 {
			request.OwnerFilter = &ownerFilter{UserIDs: owners[:min(len(owners), ownerBatchMax)]}
		}
		return c.attempt(ctx, &trial, call{endpoint: endpointList, body: request}, c.readChats)
	}
	page := ask(c.owners)
	if fetch.ClassOf(trial.Err) == fetch.ClassTooLarge && len(c.owners) == 0 && len(people) > 0 {
		if page = ask(people); trial.Err == nil {
			trial.Found = "more than 1000 people are visible (81017), so chats are listed by batches of owners; "
		}
	}
	if trial.Err != nil {
		return trial, ""
	}
	if len(page.Chats) == 0 {
		trial.Found += "it is empty"
		trial.Advice = "put the owners of customer chats into the app's visible range (可见范围)"
		return trial, ""
	}
	trial.Found += "it has chats"
	return trial, page.Chats[0].ID
}

func (c *Client) tryDetail(ctx context.Context, chat string) fetch.Trial {
	trial := fetch.Trial{What: "chat detail"}
	if chat == "" {
		trial.Found, trial.Advice = "not tried: the list gave no chat", "mend the chat list first"
		return trial
	}
	request := detailRequest{ChatID: chat, NeedName: 1}
	page := c.attempt(ctx, &trial, call{endpoint: endpointGet, body: request}, func(body []byte) (outcome, model.Page, error) {
		return c.readDetail(body, chat)
	})
	switch {
	case fetch.ClassOf(trial.Err) == fetch.ClassGone:
		trial.Err, trial.Found = nil, "the chat has gone meanwhile, and the vendor said so"
	case trial.Err == nil && len(page.Details) > 0:
		trial.Found = fmt.Sprintf("a chat with %d members", len(page.Details[0].Members))
	}
	return trial
}

// tryMessages asks for one mass message of the last hour.
func (c *Client) tryMessages(ctx context.Context) fetch.Trial {
	trial := fetch.Trial{What: "mass messages", Found: "the list can be read"}
	until := c.now().Add(-messageMargin)
	kind := c.messages.ChatTypes[0]
	start, end := period(model.Bounds{After: until.Add(-time.Hour), Until: until})
	request := messagesRequest{ChatType: kind, StartTime: start, EndTime: end, FilterType: filterAll, Limit: 1}
	c.attempt(ctx, &trial, call{endpoint: endpointMessages, body: request}, func(body []byte) (outcome, model.Page, error) {
		return c.readMessages(body, kind)
	})
	advise(&trial, "or switch "+streamMessages+", "+streamTasks+" and "+streamResults+" off")
	return trial
}

// tryJoinWay asks for one of the configured join ways.
func (c *Client) tryJoinWay(ctx context.Context) fetch.Trial {
	trial := fetch.Trial{What: "join ways", Found: "one of them can be read"}
	id := c.joinWays.ConfigIDs[0]
	c.attempt(ctx, &trial, call{endpoint: endpointJoinWay, body: joinWayRequest{ConfigID: id}},
		func(body []byte) (outcome, model.Page, error) { return c.readJoinWay(body, id) })
	switch fetch.ClassOf(trial.Err) {
	case fetch.ClassGone, fetch.ClassRefused:
		trial.Found, trial.Err = "refused: "+trial.Err.Error(), nil
		trial.Advice = fmt.Sprintf("look at %q in config_ids: an app reads only join ways that it has created itself", id)
	default:
		advise(&trial, "or switch "+streamJoinWays+" off")
	}
	return trial
}

// advise turns an error that keeps nothing but some streams from being read into
// advice: its remedy, or what to do instead.
func advise(trial *fetch.Trial, instead string) {
	bad, ok := errors.AsType[*fetch.Error](trial.Err)
	if !ok || bad.Class != fetch.ClassDenied {
		return
	}
	trial.Found, trial.Err = fmt.Sprintf("not allowed (%s)", bad.Code), nil
	trial.Advice = cmp.Or(bad.Remedy, "look the code up in the vendor's error table") + ", " + instead
}

// attempt makes one call and notes in trial how it ended.
func (c *Client) attempt(ctx context.Context, trial *fetch.Trial, what call,
	read func([]byte) (outcome, model.Page, error),
) model.Page {
	var got model.Page
	var header http.Header
	what.decode = func(a fetch.Answer) (outcome, error) {
		var out outcome
		var err error
		header = a.Header
		out, got, err = read(a.Body)
		return out, err
	}
	measured, err := c.do(ctx, what)
	trial.Err = err
	trial.Clock = fetch.ReadClock(header, measured.RequestedAt, measured.ReceivedAt)
	if err != nil {
		return model.Page{}
	}
	return got
}
