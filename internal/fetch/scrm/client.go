// Package scrm reads customer group chats with their SOP tasks from Tanma SCRM
// (探马SCRM).
//
// One call, getGroupList, lists groups by page number. Every answer is HTTP 200:
// the verdict is code, and data can be null beside a bad one. Every request is
// signed over its own bytes and the time. Times have no zone and are meant in that
// of China, to the second or to the minute. Ids come as text or as numbers.
//
// Page numbers shift when a group vanishes between two pages, so the list is frozen
// to groups created before the pass began, every answer is held against the one
// before, and a chain under which something moved says so and goes on from the last
// page downwards, where what vanishes can only make rows come twice. See position.
//
// What cannot be read is kept: a field that is no part of a key lands in extra
// under its own name, an element whose key cannot be read is set aside.
// Sources: vendor page "查询群列表" (last edited 2022-05-21), and public clients;
// the vendor's own pages on calling, signing and codes could not be read.
//
// It knows nothing of the database and keeps no state but how far the vendor's
// clock is ahead.
package scrm

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
	_ "time/tzdata" // the vendor's zone must load on hosts without a zone database
	"unicode"

	"syncd/internal/fetch"
	"syncd/internal/model"
)

// endpointGroups is the endpoint, as it is named in errors, budgets and metrics.
const endpointGroups = "groupSop/getGroupList"

const (
	pageSizeDefault = 50
	// pageSizeMax is ours: the vendor's own bound is not known, and a smaller one is
	// followed when it shows.
	pageSizeMax = 1000
	zoneDefault = "Asia/Shanghai"
)

// penalties are how long the endpoint rests after HTTP 429 that does not say. They
// are our own caution: no page of the vendor tells its limits.
var penalties = []time.Duration{30 * time.Second, 2 * time.Minute, 10 * time.Minute}

// Options say which tenant is read and how. It prints without its secret.
type Options struct {
	// Source is the configured name.
	Source string
	// BaseURL is what stands before /api/v3: https://account.tanmarket.cn/apiServer.
	BaseURL string
	// AppID and AppKey are the credential.
	AppID, AppKey string
	// Sign is the name of a strategy ([SignSHA256]).
	Sign string
	// SendAppKey sends the app key as a header beside the signature.
	SendAppKey bool
	// PageSize is 1 to 1000 (50).
	PageSize int
	// UserIDs restricts everything to the groups of these employees; empty is
	// everyone.
	UserIDs []int64
	// Keyword, TagGroupIDs and ConditionOp are filters of the vendor's; empty and
	// nil leave them out.
	Keyword     string
	TagGroupIDs []int64
	ConditionOp *int64
	// CreatedFrom and CreatedUntil are the first and the last day of creation that
	// are wanted, as 2006-01-02 in Zone; "" does not bound.
	CreatedFrom, CreatedUntil string
	// Zone is the one in which the vendor's times are meant (Asia/Shanghai).
	Zone *time.Location
	// Fetch bounds the requests. Source and Penalties are filled in where empty;
	// the scrubber learns the app key and every signature.
	Fetch fetch.Options
}

// Format prints the options without the secret, in any verb.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "scrm.Options{Source:%q BaseURL:%q AppID:%q AppKey:***}", o.Source, o.BaseURL, o.AppID)
}

// Client reads one tenant. It is safe for concurrent use.
type Client struct {
	source   string
	address  string
	appID    string
	key      func() string
	sign     signature
	sendKey  bool
	pageSize int
	filters  filters
	zone     *time.Location
	parallel int
	http     *fetch.Client
	notify   func(fetch.Notice)

	// ahead is by how much, in nanoseconds, the vendor's clock is ahead of ours as
	// far as requests are signed.
	ahead atomic.Int64
	// clamped is the page size that the vendor has put in the place of ours; 0 is
	// none.
	clamped atomic.Int64
}

// New returns a client. It calls nobody yet.
func New(opts Options) (*Client, error) {
	base, err := fetch.BaseURL(opts.BaseURL)
	if err != nil {
		return nil, err
	}
	if !isHeader(opts.AppID) || !isHeader(opts.AppKey) {
		return nil, errors.New("app_id and app_key are required, and are text without control characters")
	}
	sign, ok := signatures[cmp.Or(opts.Sign, SignSHA256)]
	if !ok {
		return nil, fmt.Errorf("there is no signing strategy %q: known are %s", opts.Sign, signatureNames())
	}
	size := cmp.Or(opts.PageSize, pageSizeDefault)
	if size < 1 || size > pageSizeMax {
		return nil, fmt.Errorf("page size %d is not within 1 to %d", size, pageSizeMax)
	}
	zone := opts.Zone
	if zone == nil {
		if zone, err = time.LoadLocation(zoneDefault); err != nil {
			return nil, fmt.Errorf("load the vendor's time zone: %w", err)
		}
	}
	within, err := createdWithin(opts.CreatedFrom, opts.CreatedUntil, zone)
	if err != nil {
		return nil, err
	}
	f := opts.Fetch
	f.Source = cmp.Or(f.Source, opts.Source)
	f.Limits.Concurrency = cmp.Or(f.Limits.Concurrency, 4)
	if f.Penalties == nil {
		f.Penalties = penalties
	}
	if f.Scrubber == nil {
		f.Scrubber = fetch.NewScrubber()
	}
	f.Scrubber.Keep(opts.AppKey)
	return &Client{
		source:   opts.Source,
		address:  base + "/api/v3/" + endpointGroups,
		appID:    opts.AppID,
		key:      func() string { return opts.AppKey },
		sign:     sign,
		sendKey:  opts.SendAppKey,
		pageSize: size,
		filters: filters{
			UserIDs: sorted(opts.UserIDs), Keyword: opts.Keyword, TagGroupIDs: sorted(opts.TagGroupIDs), ConditionOp: opts.ConditionOp,
			created: within,
		},
		zone:     zone,
		parallel: f.Limits.Concurrency,
		http:     fetch.NewClient(f),
		notify:   f.Hooks.Noticed,
	}, nil
}

// isHeader reports whether a text can be the value of a header.
func isHeader(s string) bool { return s != "" && !strings.ContainsFunc(s, unicode.IsControl) }

func sorted(ids []int64) []int64 {
	ids = slices.Clone(ids)
	slices.Sort(ids)
	return slices.Compact(ids)
}

// Format prints the source and nothing else, in any verb.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "scrm.Client("+c.source+")")
}

// Close drops idle connections.
func (c *Client) Close() { c.http.Close() }

// Budget returns the call budget, for a status display.
func (c *Client) Budget() *fetch.Budget { return c.http.Budget() }

// Page fetches one page of a chain. The cursor is "" at the head. Beside an
// error only Calls is set. Errors are of type [fetch.Error], which say by their
// class what to do next, but for those of who keeps the budgets; none holds the app
// key or a signature.
func (c *Client) Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	if chain.Stream != streamChats {
		return model.Page{}, c.bug("there is no stream " + chain.Stream)
	}
	return c.groupsPage(ctx, chain, cursor)
}

// outcome is what the envelope of an answer says.
type outcome struct {
	code    int64
	message string
}

// decoder reads an answer; it is called with every one that is HTTP 2xx.
type decoder func(answer fetch.Answer) (outcome, error)

// tries is how often one request is signed at most.
const tries = 3

// do sends a request, and once more when the vendor refuses its signature or its
// time: with a new time, which after the latter is the vendor's. Should that be
// refused by a server whose clock says otherwise, it is sent a third time.
func (c *Client) do(ctx context.Context, ask groupsRequest, decode decoder) (model.Page, error) {
	body, err := compact(ask)
	if err != nil {
		return model.Page{}, c.bug("encode request: " + err.Error())
	}
	var page model.Page
	for try := 1; ; try++ {
		var header http.Header
		resp, err := c.http.Do(ctx, fetch.Request{
			Endpoint: endpointGroups,
			Prepare:  func(ctx context.Context) (*http.Request, error) { return c.request(ctx, body) },
			Verdict: func(a fetch.Answer) *fetch.Error {
				header = a.Header
				// Before decoding: what it repeats of our request would become a
				// field or a key.
				a.Body = c.http.Scrubber().Body(a.Body)
				return verdict(a, decode)
			},
		})
		page.Calls += resp.Calls
		page.RequestedAt, page.ReceivedAt = resp.RequestedAt, resp.ReceivedAt
		again := false
		if bad, ok := errors.AsType[*fetch.Error](err); ok {
			switch bad.Code {
			case codeSignature:
				again = try == 1
			case codeClock:
				news := c.correct(fetch.ReadClock(header, resp.RequestedAt, resp.ReceivedAt))
				again = try == 1 || news && try < tries
			}
		}
		if !again {
			return page, err
		}
	}
}

// request signs the body with the time of now. The names of the headers are
// written as the vendor writes them.
func (c *Client) request(ctx context.Context, body []byte) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.address, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	timestamp := strconv.FormatInt(time.Now().Add(time.Duration(c.ahead.Load())).UnixMilli(), 10)
	sign := c.sign(c.appID, timestamp, body, c.key())
	c.http.Scrubber().Add(sign)
	req.Header.Set("Content-Type", "application/json")
	req.Header["appId"] = []string{c.appID}
	req.Header["timestamp"] = []string{timestamp}
	req.Header["sign"] = []string{sign}
	if c.sendKey {
		req.Header["appKey"] = []string{c.key()}
	}
	return req, nil
}

// clockSlack is how far two readings of the same clock may lie apart: the Date
// header is cut to the second.
const clockSlack = 2 * time.Second

// correct signs from now on with the vendor's time. It reports whether that is
// news, and says so.
func (c *Client) correct(clock fetch.Clock) bool {
	if !clock.Known {
		return false
	}
	before := time.Duration(c.ahead.Swap(int64(clock.Ahead)))
	if (clock.Ahead - before).Abs() <= clockSlack {
		return false
	}
	c.notice(fmt.Sprintf("the vendor refused the time of a request; its clock is ahead of this machine's by %s (negative: behind) "+
		"and requests are signed with its time from now on: set this machine's clock", clock.Ahead.Round(time.Second)))
	return true
}

func (c *Client) notice(what string) {
	if c.notify != nil {
		c.notify(fetch.Notice{Source: c.source, Endpoint: endpointGroups, What: what})
	}
}

// verdict decodes an answer and classes its code.
func verdict(a fetch.Answer, decode decoder) *fetch.Error {
	if bad := fetch.StatusError(a); bad != nil {
		return bad
	}
	out, err := decode(a)
	if err != nil {
		if bad, ok := errors.AsType[*fetch.Error](err); ok {
			return bad
		}
		return fetch.NotJSON(a)
	}
	return classify(out)
}

// malformed is an answer in JSON that does not hold what it must.
func malformed(format string, args ...any) *fetch.Error {
	return &fetch.Error{Class: fetch.ClassMalformed, Code: "body", Message: fmt.Sprintf(format, args...)}
}

// bug is an error of our own making.
func (c *Client) bug(message string) *fetch.Error {
	return &fetch.Error{
		Class: fetch.ClassUnknown, Source: c.source, Endpoint: endpointGroups, Code: "request", Message: message,
	}
}

// reject sets an element aside. Its raw text is scrubbed and copied.
func (c *Client) reject(kind, parent, reason string, raw []byte) model.Reject {
	return model.Reject{Kind: kind, Parent: parent, Reason: reason, Raw: c.http.Scrubber().Bytes(raw)}
}

// compact encodes a value as it is sent: compact, and without escapes that JSON does
// not need.
func compact(value any) ([]byte, error) {
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(value); err != nil {
		return nil, err
	}
	return bytes.TrimRight(buf.Bytes(), "\n"), nil
}
