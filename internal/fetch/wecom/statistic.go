package wecom

import (
	"context"
	"fmt"
	"strconv"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// The streams of statistics, by their names in the contract. The params of their
// chains are those of [model.StatParams].
const (
	streamOwnerStats  = "owner_stats"
	streamDailyStats  = "daily_stats"
	streamPeriodStats = "owner_period_stats"
)

// Bounds of the vendor (vendor doc 92133).
const (
	// statRowsMax is the most rows of one page. There are no more owners in a
	// filter than a tenth of it, so a second page is not expected.
	statRowsMax = 1000
	// statDaysMax is the longest range, first and last day included.
	statDaysMax = 30
)

// zoneDefault is where the vendor's days begin and end.
const zoneDefault = "Asia/Shanghai"

// statRange is the body of groupchat/statistic_group_by_day, and most of that of
// groupchat/statistic (vendor doc 92133). Times are Unix seconds of the midnight
// with which the first and the last day begin; both days are included. The filter
// is always sent: without it the vendor would mean everybody.
type statRange struct {
	DayBegin    int64       `json:"day_begin_time"`
	DayEnd      int64       `json:"day_end_time"`
	OwnerFilter ownerFilter `json:"owner_filter"`
}

// statPaged is the body of groupchat/statistic. The order is fixed, by
// chat_total from the highest on, so that one page can follow another.
type statPaged struct {
	statRange
	OrderBy  int   `json:"order_by"`
	OrderAsc int   `json:"order_asc"`
	Offset   int64 `json:"offset"`
	Limit    int   `json:"limit"`
}

// orderChatTotal is a value of order_by.
const orderChatTotal = 2

// statQuestion is what one request asks, and what its answer is held against.
type statQuestion struct {
	stream string
	model.StatCall
	// offset counts the rows of the pages before.
	offset int64
}

// statsPage asks for statistics. By owner there is one row per owner over the
// whole range, in pages; by day one row per day over all owners, in one page.
//
// What the rows become depends on the stream: owner_stats asks by owner for one
// day, or by day for one owner; daily_stats by day for a batch; owner_period_stats
// by owner for a range. A call of another form is a bug and reaches no vendor. A
// range that the vendor does not have is [fetch.ClassOutside].
func (c *Client) statsPage(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	ask, err := params[model.StatCall](c, chain)
	if err != nil {
		return model.Page{}, err
	}
	q := statQuestion{stream: chain.Stream, StatCall: ask}
	what := call{endpoint: endpointStatistic}
	if q.By == model.StatByDay {
		what.endpoint = endpointByDay
	}
	if why := q.unfit(); why != "" {
		return model.Page{}, c.bug(what.endpoint, fmt.Sprintf("params of %s %s: %s", chain.Stream, chain.Subject, why))
	}
	days := statRange{
		DayBegin: q.From.In(c.zone).Unix(), DayEnd: q.To.In(c.zone).Unix(),
		OwnerFilter: ownerFilter{UserIDs: q.Owners},
	}
	read := c.readByDay
	what.body = days
	if q.By == model.StatByOwner {
		if q.offset, err = c.offset(cursor); err != nil {
			return model.Page{}, err
		}
		read = c.readByOwner
		what.body = statPaged{statRange: days, OrderBy: orderChatTotal, Offset: q.offset, Limit: statRowsMax}
		what.cursor = q.offset > 0
	}
	var got model.Page
	what.decode = func(a fetch.Answer) (outcome, error) {
		var out outcome
		out, got, err = read(a.Body, q)
		return out, err
	}
	page, err := c.do(ctx, what)
	return merge(page, got, err)
}

// unfit says why a call cannot be asked, or "".
func (q statQuestion) unfit() string {
	owners, days := len(q.Owners), q.Days()
	switch {
	case owners < 1 || owners > ownerBatchMax:
		return fmt.Sprintf("%d owners are not within 1 to %d", owners, ownerBatchMax)
	case q.From.IsZero() || days < 1 || days > statDaysMax:
		return fmt.Sprintf("%s to %s is not 1 to %d days", q.From, q.To, statDaysMax)
	}
	switch {
	case q.stream == streamOwnerStats && q.By == model.StatByOwner && days == 1,
		q.stream == streamOwnerStats && q.By == model.StatByDay && owners == 1,
		q.stream == streamDailyStats && q.By == model.StatByDay,
		q.stream == streamPeriodStats && q.By == model.StatByOwner:
		return ""
	}
	return fmt.Sprintf("by %q, %d owners and %d days are not for this stream", q.By, owners, days)
}

// offset reads a cursor that was the Next of a page.
func (c *Client) offset(cursor string) (int64, error) {
	if cursor == "" {
		return 0, nil
	}
	n, err := strconv.ParseInt(cursor, 10, 64)
	if err != nil || n <= 0 {
		return 0, &fetch.Error{
			Class: fetch.ClassCursorGone, Source: c.source, Endpoint: endpointStatistic, Code: "cursor",
			Message: fmt.Sprintf("%q is no offset", cursor),
		}
	}
	return n, nil
}
