package scrm

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// groupsRequest is the body of getGroupList. Every field may be left out.
type groupsRequest struct {
	PageNo          int64   `json:"pageNo"`
	PageSize        int64   `json:"pageSize"`
	Keyword         string  `json:"keyword,omitempty"`
	UserID          int64   `json:"userId,omitempty"`
	TagGroupIDs     []int64 `json:"tagGroupIds,omitempty"`
	ConditionOp     *int64  `json:"conditionOp,omitempty"`
	StartCreateTime string  `json:"startCreateTime,omitempty"`
	EndCreateTime   string  `json:"endCreateTime,omitempty"`
}

// groupsAnswer is its answer.
type groupsAnswer struct {
	Code    lenient.Int                `json:"code"`
	Message lenient.Text               `json:"message"`
	Data    lenient.Object[groupsData] `json:"data"`
}

type groupsData struct {
	TotalCount lenient.Int                   `json:"totalCount"`
	TotalPage  lenient.Int                   `json:"totalPage"`
	PageNo     lenient.Int                   `json:"pageNo"`
	PageSize   lenient.Int                   `json:"pageSize"`
	Result     lenient.Elements[groupObject] `json:"result"`
}

// groupsPage reads one page of the list, and says from the one before what it
// proves.
func (c *Client) groupsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	var p groupsParams
	if err := json.Unmarshal(chain.Params, &p); err != nil || p.PageSize < 1 {
		return model.Page{}, c.bug(fmt.Sprintf("params of %s %s are unreadable", chain.Stream, chain.Subject))
	}
	at := position{Page: 1, Size: p.PageSize}
	if cursor != "" {
		var ok bool
		if at, ok = parsePosition(cursor); !ok {
			return model.Page{}, &fetch.Error{
				Class: fetch.ClassCursorGone, Source: c.source, Endpoint: endpointGroups, Code: "cursor",
				Message: "the place in the list was written by another version",
			}
		}
	}
	var got model.Page
	var next position
	measured, err := c.do(ctx, c.ask(p, chain.Bounds, at), func(a fetch.Answer) (outcome, error) {
		out, told, page, err := c.readGroups(a.Body)
		if err != nil || out.code != 0 {
			return out, err
		}
		got = page
		next, got.Last, err = at.after(told)
		return out, err
	})
	if err != nil {
		return model.Page{Calls: measured.Calls}, err
	}
	if at.head() {
		c.noticeSize(p.PageSize, next.Size)
	}
	got.Calls, got.RequestedAt, got.ReceivedAt = measured.Calls, measured.RequestedAt, measured.ReceivedAt
	got.Shifted = next.Shifted
	if !got.Last {
		got.Next = next.String()
	}
	return got, nil
}

// noticeSize says once that the vendor gives pages of another size than was asked
// for.
func (c *Client) noticeSize(asked, given int64) {
	if given == asked || c.clamped.Swap(given) == given {
		return
	}
	c.notice(fmt.Sprintf("the vendor gives pages of %d groups although %d were asked for: set page_size", given, asked))
}

// timeSecond and timeMinute are how the vendor writes times.
const (
	timeSecond = "2006-01-02 15:04:05"
	timeMinute = "2006-01-02 15:04"
)

// ask makes the request of a page. Whether the vendor's bounds of creation are
// inclusive is not known: each is sent a second wider than it is meant, so that a
// group on it is in under both readings. The end lies minutes back, so the set is
// frozen all the same.
func (c *Client) ask(p groupsParams, bounds model.Bounds, at position) groupsRequest {
	r := groupsRequest{
		PageNo: at.Page, PageSize: at.Size, Keyword: p.Keyword, UserID: p.UserID, TagGroupIDs: p.TagGroupIDs, ConditionOp: p.ConditionOp,
	}
	from, until := bounds.After, bounds.Until
	if t := c.created(p.From); t.After(from) {
		from = t
	}
	if t := c.created(p.Until); !t.IsZero() && (until.IsZero() || t.Before(until)) {
		until = t
	}
	if !from.IsZero() {
		r.StartCreateTime = from.Add(-time.Second).In(c.zone).Format(timeSecond)
	}
	if !until.IsZero() {
		r.EndCreateTime = until.Add(time.Second).In(c.zone).Format(timeSecond)
	}
	return r
}

// created is the instant of a bound of creation; zero for "".
func (c *Client) created(text string) time.Time {
	t, err := time.ParseInLocation(timeSecond, text, c.zone)
	if err != nil { // New has read it before
		return time.Time{}
	}
	return t
}

// createdWithin reads the configured days of creation, both of which are in.
func createdWithin(from, until string, zone *time.Location) (created, error) {
	var c created
	if from != "" {
		t, err := time.ParseInLocation(time.DateOnly, from, zone)
		if err != nil {
			return c, fmt.Errorf("created_from %q: want a day such as 2026-01-31", from)
		}
		c.From = t.Format(timeSecond)
	}
	if until != "" {
		t, err := time.ParseInLocation(time.DateOnly, until, zone)
		if err != nil {
			return c, fmt.Errorf("created_until %q: want a day such as 2026-01-31", until)
		}
		c.Until = t.AddDate(0, 0, 1).Add(-time.Second).Format(timeSecond)
	}
	if c.From != "" && c.Until != "" && c.From > c.Until {
		return c, fmt.Errorf("created_from %s is after created_until %s", from, until)
	}
	return c, nil
}

// readGroups reads an answer: the vendor's verdict, what it says of the list, and
// the groups.
func (c *Client) readGroups(body []byte) (outcome, listing, model.Page, error) {
	answer, text, err := lenient.Decode[groupsAnswer](body)
	if err != nil {
		return outcome{}, listing{}, model.Page{}, err
	}
	if !answer.Code.Set {
		// Not the vendor's: a gateway in between has answered, which passes.
		message := "answer is JSON, but has no code"
		if code := answer.Code.Bad; len(code) > 0 {
			message = fmt.Sprintf("answer has a code that is no number, %s: %s", code, answer.Message.Value)
		}
		return outcome{}, listing{}, model.Page{}, &fetch.Error{Class: fetch.ClassTransient, Code: "no code", Message: message}
	}
	out := outcome{code: answer.Code.Value, message: answer.Message.Value}
	if out.code != 0 {
		return out, listing{}, model.Page{}, nil
	}
	told, err := answer.listing()
	if err != nil {
		return out, listing{}, model.Page{}, err
	}
	page := c.translate(answer.Data.Value.Result.Items, text)
	told.ids = hashIDs(page.Chats)
	page.Total = &told.total
	return out, told, page, nil
}

// listing reads what the answer says of the list. All of it but the number of pages
// and the size of one must be there: nothing could be proven without.
func (a *groupsAnswer) listing() (listing, error) {
	d := &a.Data.Value
	switch {
	case !a.Data.Set:
		return listing{}, malformed("answer holds no object data")
	case !d.Result.Set:
		return listing{}, malformed("answer holds no array result")
	case !d.PageNo.Set || d.PageNo.Value < 0:
		return listing{}, malformed("answer does not say which page it is (pageNo)")
	case !d.TotalCount.Set || d.TotalCount.Value < 0:
		return listing{}, malformed("answer does not say how many groups there are (totalCount)")
	case d.PageSize.Value > pageSizeMax:
		return listing{}, malformed("answer says that a page holds %d groups", d.PageSize.Value)
	}
	return listing{
		page: d.PageNo.Value, size: d.PageSize.Value, total: d.TotalCount.Value, pages: d.TotalPage.Value,
		rows: int64(len(d.Result.Items)),
	}, nil
}
