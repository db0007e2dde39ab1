// Package wecom reads customer group chats, their members and their owners, and the
// mass messages that they get, from the WeCom server API.
//
// Every answer is HTTP 200: the verdict is errcode, and a list can be empty
// beside a bad one. The token travels in the query of every URL. Times are Unix
// seconds. A list page holds 1 to 1000 chats; the detail of a chat holds all its
// members at once, 500 and more. Status is told by the list only. Statistics are
// kept for 180 days of the vendor's zone, told for 30 at a time, and never for
// today. Mass messages are listed for a month at a time; who has sent one, and what
// became of it at whom, is asked message by message and sender by sender.
// Source: vendor doc pages 91039, 92120, 92133, 92571, 93414, 96338, 96355 and
// 99547, read 2026-11-20.
//
// What cannot be read is kept: a field that is no part of a key lands in extra
// under its own name, an element whose key cannot be read is set aside.
//
// It knows nothing of the database and keeps no state but its token.
package wecom

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
	_ "time/tzdata" // the vendor's zone must load on hosts without a zone database

	"syncd/internal/fetch"
	"syncd/internal/fetch/token"
	"syncd/internal/model"
)

// The endpoints, as they are named in errors, budgets and metrics.
const (
	endpointToken     = "gettoken"
	endpointOwners    = "get_follow_user_list"
	endpointList      = "groupchat/list"
	endpointGet       = "groupchat/get"
	endpointStatistic = "groupchat/statistic"
	endpointByDay     = "groupchat/statistic_group_by_day"
	endpointMessages  = "get_groupmsg_list_v2"
	endpointTasks     = "get_groupmsg_task"
	endpointResults   = "get_groupmsg_send_result"
	endpointJoinWay   = "groupchat/get_join_way"
)

// Bounds of the vendor (doc 92120).
const (
	pageSizeMax   = 1000
	ownerBatchMax = 100
)

// Options say which tenant is read and how. It prints without its secret.
type Options struct {
	// Source is the configured name.
	Source string
	// BaseURL is scheme and host: https://qyapi.weixin.qq.com.
	BaseURL string
	// CorpID and Secret are the credential of a self-built app.
	CorpID, Secret string
	// OwnerIDs restricts everything to the chats of these owners; empty is
	// everyone in the app's visible range.
	OwnerIDs []string
	// PageSize of the chat list, 1 to 1000 (1000).
	PageSize int
	// MembersMaxAge is how old a chat's members may grow (24 h).
	MembersMaxAge time.Duration
	// Zone is the one whose days the statistics are about (Asia/Shanghai).
	Zone *time.Location
	// OwnerStats and DailyStats are the days that are wanted of the statistics by
	// owner and by day; Periods the lengths, in days, of those over a period.
	OwnerStats, DailyStats StatDays
	Periods                []int
	// Messages asks for the streams of mass messages, JoinWays for that of join
	// ways; nil does not.
	Messages *MessageOptions
	JoinWays *JoinWayOptions
	// Fetch bounds the requests. Source, Penalties and CongestionCodes are
	// filled in where empty; the scrubber learns the secret and every token.
	Fetch fetch.Options
}

// StatDays says which days of a statistic are wanted.
type StatDays struct {
	// Backfill is how many days back, 1 to 180 (180); Lookback how many of the
	// latest are read again once a day.
	Backfill, Lookback int
	// ReadyHour is the hour of the day from which yesterday's figures are asked
	// for.
	ReadyHour int
}

// Format prints the options without the secret, in any verb.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "wecom.Options{Source:%q BaseURL:%q CorpID:%q Secret:***}", o.Source, o.BaseURL, o.CorpID)
}

// Client reads one tenant. It is safe for concurrent use.
type Client struct {
	source   string
	base     string
	owners   []string
	pageSize int
	maxAge   time.Duration
	zone     *time.Location
	stats    []model.StreamSpec
	messages *MessageOptions
	joinWays *JoinWayOptions
	parallel int
	now      func() time.Time
	http     *fetch.Client
	tokens   *token.Keeper
}

// New returns a client. It calls nobody yet.
func New(opts Options) (*Client, error) {
	base, err := fetch.BaseURL(opts.BaseURL)
	if err != nil {
		return nil, err
	}
	if opts.CorpID == "" || opts.Secret == "" {
		return nil, errors.New("corp_id and secret are required")
	}
	size := cmp.Or(opts.PageSize, pageSizeMax)
	if size < 1 || size > pageSizeMax {
		return nil, fmt.Errorf("page size %d is not within 1 to %d", size, pageSizeMax)
	}
	zone := opts.Zone
	if zone == nil {
		if zone, err = time.LoadLocation(zoneDefault); err != nil {
			return nil, fmt.Errorf("load the vendor's time zone: %w", err)
		}
	}
	messages, err := opts.Messages.complete()
	if err != nil {
		return nil, err
	}
	joinWays, err := opts.JoinWays.complete()
	if err != nil {
		return nil, err
	}
	f := opts.Fetch
	f.Source = cmp.Or(f.Source, opts.Source)
	f.Limits.Concurrency = cmp.Or(f.Limits.Concurrency, 4)
	if f.Penalties == nil {
		f.Penalties = penalties
	}
	if f.CongestionCodes == nil {
		f.CongestionCodes = []string{codeCongested}
	}
	if f.Scrubber == nil {
		f.Scrubber = fetch.NewScrubber()
	}
	f.Scrubber.Keep(opts.Secret)
	owners := slices.Clone(opts.OwnerIDs)
	slices.Sort(owners)
	c := &Client{
		source:   opts.Source,
		base:     base + "/cgi-bin/",
		owners:   slices.Compact(owners),
		pageSize: size,
		maxAge:   cmp.Or(opts.MembersMaxAge, 24*time.Hour),
		zone:     zone,
		messages: messages,
		joinWays: joinWays,
		parallel: f.Limits.Concurrency,
		now:      f.Now,
		http:     fetch.NewClient(f),
	}
	if c.now == nil {
		c.now = time.Now
	}
	c.stats = c.statSpecs(opts)
	c.tokens = newTokens(c.http, c.base, opts.CorpID, opts.Secret)
	return c, nil
}

// Format prints the source and nothing else, in any verb.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "wecom.Client("+c.source+")")
}

// Close drops idle connections.
func (c *Client) Close() { c.http.Close() }

// Budget returns the call budget, for a status display.
func (c *Client) Budget() *fetch.Budget { return c.http.Budget() }

// Check asks for a token and nothing more: it shows whether the credential is
// good. The error is that of a call.
func (c *Client) Check(ctx context.Context) error {
	_, err := c.tokens.Get(ctx)
	return err
}

// Page fetches one page of a chain. The cursor is "" at the head. Beside an
// error only Calls is set. Errors are of type [fetch.Error], which say by their
// class what to do next, but for those of who keeps the budgets; none holds a URL, a
// token or the secret.
func (c *Client) Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	switch chain.Stream {
	case streamOwners:
		return c.ownersPage(ctx, chain)
	case streamChats:
		return c.chatsPage(ctx, chain, cursor)
	case streamMembers:
		return c.membersPage(ctx, chain)
	case streamOwnerStats, streamDailyStats, streamPeriodStats:
		return c.statsPage(ctx, chain, cursor)
	case streamMessages:
		return c.messagesPage(ctx, chain, cursor)
	case streamTasks:
		return c.tasksPage(ctx, chain, cursor)
	case streamResults:
		return c.resultsPage(ctx, chain, cursor)
	case streamJoinWays:
		return c.joinWayPage(ctx, chain)
	}
	return model.Page{}, c.bug("", "there is no stream "+chain.Stream)
}

// call is one business request: an endpoint, what it is asked, and how its
// answer is decoded.
type call struct {
	endpoint string
	// body is sent as POST; nil is a GET.
	body any
	// cursor says that the request continues a list.
	cursor bool
	// decode reads the answer; it is called with every one that is HTTP 2xx.
	decode func(text fetch.Answer) (outcome, error)
}

// outcome is what the envelope of an answer says.
type outcome struct {
	code    int64
	message string
}

// do sends the call, and once more with a new token when the vendor refuses the
// one it was sent with. A token that is refused right after it was issued is an
// error: there is no loop.
func (c *Client) do(ctx context.Context, what call) (model.Page, error) {
	var body []byte
	if what.body != nil {
		var err error
		if body, err = json.Marshal(what.body); err != nil {
			return model.Page{}, c.bug(what.endpoint, "encode request: "+err.Error())
		}
	}
	var page model.Page
	for repeated := false; ; repeated = true {
		var used token.Token
		resp, err := c.http.Do(ctx, fetch.Request{
			Endpoint: what.endpoint,
			Prepare: func(ctx context.Context) (*http.Request, error) {
				var err error
				if used, err = c.tokens.Get(ctx); err != nil {
					return nil, err
				}
				return c.request(ctx, what.endpoint, used.Text(), body)
			},
			Verdict: func(a fetch.Answer) *fetch.Error {
				// Before decoding: what it repeats of our request would become a
				// field, a key or a cursor.
				a.Body = c.http.Scrubber().Body(a.Body)
				return what.verdict(a)
			},
		})
		page.Calls += resp.Calls
		page.RequestedAt, page.ReceivedAt = resp.RequestedAt, resp.ReceivedAt
		refused, ok := errors.AsType[*fetch.Error](err)
		if !ok || !isTokenCode(refused.Code) || refused.Endpoint != what.endpoint {
			return page, err
		}
		if repeated {
			return page, c.tokens.Condemn(used, refused, fixApp)
		}
		c.tokens.Discard(used)
	}
}

func (c *Client) request(ctx context.Context, endpoint, accessToken string, body []byte) (*http.Request, error) {
	path := "externalcontact/" + endpoint
	address := c.base + path + "?" + url.Values{"access_token": {accessToken}}.Encode()
	if body == nil {
		return http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return req, nil
}

// verdict decodes an answer and classes its errcode.
func (w call) verdict(a fetch.Answer) *fetch.Error {
	if bad := fetch.StatusError(a); bad != nil {
		return bad
	}
	out, err := w.decode(a)
	if err != nil {
		if bad, ok := errors.AsType[*fetch.Error](err); ok {
			return bad
		}
		return fetch.NotJSON(a)
	}
	return classify(w.endpoint, out, w.cursor)
}

// malformed is an answer in JSON that does not hold what it must.
func malformed(format string, args ...any) *fetch.Error {
	return &fetch.Error{Class: fetch.ClassMalformed, Code: "body", Message: fmt.Sprintf(format, args...)}
}

// bug is an error of our own making.
func (c *Client) bug(endpoint, message string) *fetch.Error {
	return &fetch.Error{Class: fetch.ClassUnknown, Source: c.source, Endpoint: endpoint, Code: "request", Message: message}
}

// reject sets an element aside. Its raw text is scrubbed and copied.
func (c *Client) reject(kind, id, parent, reason string, raw []byte) model.Reject {
	return model.Reject{Kind: kind, ID: id, Parent: parent, Reason: reason, Raw: c.http.Scrubber().Bytes(raw)}
}
