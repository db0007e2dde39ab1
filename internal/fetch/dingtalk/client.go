// Package dingtalk reads customer groups, group sets and the readers of robot
// messages from the DingTalk server API (v1.0).
//
// A good answer is HTTP 2xx with the business object at the top; an error has a
// code in its body, and the same code comes under several statuses. The token
// travels in a header. Times are Unix milliseconds in lists of chats and text to
// the minute in lists of group sets. The list of chats takes conditions on name,
// owner and creation, but knows nothing of changes; nothing tells members or
// statistics. Nearly every call counts on a month's quota of the organisation.
// Source: vendor pages 查询客户群列表, 客户群查询DSL语法说明 and
// 查询企业机器人群聊消息用户已读状态, read 2026-11-20.
//
// What cannot be read is kept: a field that is no part of a key lands in extra
// under its own name, an element whose key cannot be read is set aside.
//
// It knows nothing of the database and keeps no state but its token.
package dingtalk

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
	"syncd/internal/fetch/lenient"
	"syncd/internal/fetch/token"
	"syncd/internal/model"
)

// The endpoints, as they are named in errors, budgets and metrics: their paths
// below /v1.0/.
const (
	endpointToken      = "oauth2/accessToken"     //nolint:gosec // a path, no credential
	endpointSuiteToken = "oauth2/corpAccessToken" //nolint:gosec // a path, no credential
	endpointChats      = "crm/crmGroupChats"
	endpointChat       = "crm/crmGroupChats/query"
	endpointSets       = "crm/groupSets/lists"
	endpointReads      = "robot/groupMessages/query"
)

// Bounds of the vendor: rows of a page.
const (
	chatsPageMax = 100
	setsPageMax  = 10
	readsPageMax = 200
)

// The lanes of the meter; the other streams have none of their own.
const (
	// LaneReads is that on which message_reads is booked.
	LaneReads = "reads"
	// LaneChecks is that of chat_checks.
	LaneChecks = "checks"
)

// zoneDefault is where the vendor's month begins.
const zoneDefault = "Asia/Shanghai"

// relationTypes are those that the vendor documents: customers that are companies
// and customers that are persons.
var relationTypes = []string{"crm_customer", "crm_customer_personal"}

// Options say which organisation is read and how. It prints without its secrets.
type Options struct {
	// Source is the configured name.
	Source string
	// BaseURL is scheme and host: https://api.dingtalk.com.
	BaseURL string
	// AppKey and AppSecret are the credential of an app of the organisation itself.
	AppKey, AppSecret string
	// SuiteKey, SuiteSecret, SuiteTicket and AuthCorpID are, in their place, the
	// credential of a third party's app for one organisation.
	SuiteKey, SuiteSecret, SuiteTicket, AuthCorpID string
	// RelationTypes are the kinds of customer groups that are read (both).
	RelationTypes []string
	// QueryDSL narrows the lists of chats: see [ParseFilter].
	QueryDSL string
	// UncountedChats and UncountedSets leave the vendor's totals of these lists out:
	// where it counts other records than it lists, no pass proves anything by them.
	UncountedChats, UncountedSets bool
	// PageSize of the chat list, 1 to 100 (100).
	PageSize int
	// ChatsMargin is how long before the start of a pass a chat must have been
	// created to be listed by it (1 min), ChatsOverlap how far behind its watermark
	// a pass over new chats begins (10 min).
	ChatsMargin, ChatsOverlap time.Duration
	// Follow is how long the readers of a message are followed (24 h), and
	// FollowEvery the least pause between two reads (10 min).
	Follow, FollowEvery time.Duration
	// Zone is the one in which the vendor's month begins (Asia/Shanghai).
	Zone *time.Location
	// Fetch bounds the requests. Source and Penalties are filled in where empty;
	// the scrubber learns the secrets and every token. Its Now tells the age of
	// messages and the end of the month, too.
	Fetch fetch.Options
}

// Format prints the options without the secrets, in any verb.
func (o Options) Format(f fmt.State, _ rune) {
	fmt.Fprintf(f, "dingtalk.Options{Source:%q BaseURL:%q AppKey:%q SuiteKey:%q AuthCorpID:%q Secrets:***}",
		o.Source, o.BaseURL, o.AppKey, o.SuiteKey, o.AuthCorpID)
}

func (o Options) withDefaults() (Options, error) {
	if len(o.RelationTypes) == 0 {
		o.RelationTypes = relationTypes
	}
	o.PageSize = cmp.Or(o.PageSize, chatsPageMax)
	o.ChatsMargin = cmp.Or(o.ChatsMargin, time.Minute)
	o.ChatsOverlap = cmp.Or(o.ChatsOverlap, 10*time.Minute)
	o.Follow = cmp.Or(o.Follow, keyLife)
	o.FollowEvery = cmp.Or(o.FollowEvery, 10*time.Minute)
	if o.Zone == nil {
		zone, err := time.LoadLocation(zoneDefault)
		if err != nil {
			return o, fmt.Errorf("load the vendor's time zone: %w", err)
		}
		o.Zone = zone
	}
	f := &o.Fetch
	f.Source = cmp.Or(f.Source, o.Source)
	f.Limits.Concurrency = cmp.Or(f.Limits.Concurrency, 4)
	if f.Penalties == nil {
		f.Penalties = penalties
	}
	if f.Scrubber == nil {
		f.Scrubber = fetch.NewScrubber()
	}
	if f.Now == nil {
		f.Now = time.Now
	}
	return o, o.validate()
}

func (o Options) validate() error {
	app, suite := o.AppKey != "" && o.AppSecret != "", o.SuiteKey != "" && o.SuiteSecret != "" && o.SuiteTicket != "" && o.AuthCorpID != ""
	var wrong []error
	if app == suite {
		wrong = append(wrong, errors.New(
			"either app_key and app_secret, or suite_key, suite_secret, suite_ticket and auth_corp_id are required"))
	}
	if o.PageSize < 1 || o.PageSize > chatsPageMax {
		wrong = append(wrong, fmt.Errorf("page size %d is not within 1 to %d", o.PageSize, chatsPageMax))
	}
	for _, relation := range o.RelationTypes {
		if err := oneOf("relation_types:", relation, relationTypes); err != nil {
			wrong = append(wrong, err)
		}
	}
	return errors.Join(wrong...)
}

// Client reads one organisation. It is safe for concurrent use.
type Client struct {
	source    string
	base      string
	relations []string
	filter    Query
	opts      specOptions
	// uncountedChats and uncountedSets are those of the options.
	uncountedChats, uncountedSets bool

	zone *time.Location
	now  func() time.Time
	// suite says that the credential is a third party's.
	suite  bool
	http   *fetch.Client
	tokens *token.Keeper
}

// specOptions are what of the options stands in the specs.
type specOptions struct {
	pageSize, parallel  int
	margin, overlap     time.Duration
	follow, followEvery time.Duration
}

// New returns a client. It calls nobody yet.
func New(opts Options) (*Client, error) {
	base, err := fetch.BaseURL(opts.BaseURL)
	if err != nil {
		return nil, err
	}
	opts, err = opts.withDefaults()
	if err != nil {
		return nil, err
	}
	filter, err := ParseFilter(opts.QueryDSL)
	if err != nil {
		return nil, fmt.Errorf("query_dsl: %w", err)
	}
	relations := slices.Clone(opts.RelationTypes)
	slices.Sort(relations)
	opts.Fetch.Scrubber.Keep(opts.AppSecret, opts.SuiteSecret, opts.SuiteTicket)
	c := &Client{
		source:    opts.Source,
		base:      base + "/v1.0/",
		relations: slices.Compact(relations),
		filter:    filter,
		opts: specOptions{
			pageSize: opts.PageSize, parallel: opts.Fetch.Limits.Concurrency, margin: opts.ChatsMargin,
			overlap: opts.ChatsOverlap, follow: opts.Follow, followEvery: opts.FollowEvery,
		},
		uncountedChats: opts.UncountedChats, uncountedSets: opts.UncountedSets,
		zone:  opts.Zone,
		now:   opts.Fetch.Now,
		suite: opts.SuiteKey != "",
		http:  fetch.NewClient(opts.Fetch),
	}
	c.tokens = c.newTokens(opts)
	return c, nil
}

// Format prints the source and nothing else, in any verb.
func (c *Client) Format(f fmt.State, _ rune) {
	_, _ = io.WriteString(f, "dingtalk.Client("+c.source+")")
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
// token or a secret.
func (c *Client) Page(ctx context.Context, chain model.Chain, cursor string) (model.Page, error) {
	switch chain.Stream {
	case streamChats:
		return c.chatsPage(ctx, chain, cursor)
	case streamChatChecks:
		return c.chatPage(ctx, chain)
	case streamSets:
		return c.setsPage(ctx, chain, cursor)
	case streamReads:
		return c.readsPage(ctx, chain, cursor)
	}
	return model.Page{}, c.bug("", "there is no stream "+chain.Stream)
}

// call is one business request: what it asks, and how its answer is read.
type call struct {
	question
	// lane is that of the meter.
	lane  string
	query url.Values
	// body is sent as JSON; without one a post has none.
	post bool
	body any
	// read translates an answer that is HTTP 2xx and no refusal.
	read func(body []byte) (model.Page, error)
	// heard is shown the header of every answer, if not nil.
	heard func(http.Header)
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
	calls := 0
	for repeated := false; ; repeated = true {
		var used token.Token
		var page model.Page
		resp, err := c.http.Do(ctx, fetch.Request{
			Endpoint: what.endpoint, Lane: what.lane,
			Prepare: func(ctx context.Context) (*http.Request, error) {
				var err error
				if used, err = c.tokens.Get(ctx); err != nil {
					return nil, err
				}
				return c.request(ctx, what, used, body)
			},
			Verdict: func(a fetch.Answer) *fetch.Error {
				if what.heard != nil {
					what.heard(a.Header)
				}
				return c.verdict(what.question, a, func(body []byte) (err error) {
					page, err = what.read(body)
					return err
				})
			},
		})
		calls += resp.Calls
		if err == nil {
			page.Calls, page.RequestedAt, page.ReceivedAt = calls, resp.RequestedAt, resp.ReceivedAt
			return page, nil
		}
		refused, ok := errors.AsType[*fetch.Error](err)
		if !ok || refused.Code != codeToken || refused.Endpoint != what.endpoint {
			return model.Page{Calls: calls}, err
		}
		if repeated {
			return model.Page{Calls: calls}, c.tokens.Condemn(used, refused, refused.Remedy)
		}
		c.tokens.Discard(used)
	}
}

func (c *Client) request(ctx context.Context, what call, tok token.Token, body []byte) (*http.Request, error) {
	address := c.base + what.endpoint
	if len(what.query) > 0 {
		address += "?" + what.query.Encode()
	}
	method := http.MethodGet
	if what.post {
		method = http.MethodPost
	}
	var content io.Reader
	if body != nil {
		content = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, content)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json; charset=utf-8")
	}
	req.Header.Set("Accept", "application/json")
	if text := tok.Text(); text != "" {
		req.Header.Set("X-Acs-Dingtalk-Access-Token", text)
	}
	return req, nil
}

// verdict reads an answer and classes what is wrong with it. A refusal counts
// whatever the status says.
func (c *Client) verdict(q question, a fetch.Answer, read func(body []byte) error) *fetch.Error {
	if isPage(a) {
		return banned()
	}
	// Before decoding: what it repeats of our request would become a field, a key
	// or a cursor.
	a.Body = c.http.Scrubber().Body(a.Body)
	e, _, err := lenient.Decode[envelope](a.Body)
	switch {
	case err == nil && e.punished():
		return banned()
	case err == nil && e.refused():
		return c.classify(q, a, e)
	}
	if bad := fetch.StatusError(a); bad != nil {
		return bad
	}
	if err != nil {
		return fetch.NotJSON(a)
	}
	if err := read(a.Body); err != nil {
		if bad, ok := errors.AsType[*fetch.Error](err); ok {
			return bad
		}
		return fetch.NotJSON(a)
	}
	return nil
}

// bug is an error of our own making.
func (c *Client) bug(endpoint, message string) *fetch.Error {
	return &fetch.Error{Class: fetch.ClassUnknown, Source: c.source, Endpoint: endpoint, Code: "request", Message: message}
}

// reject sets an element aside. Its raw text is scrubbed and copied.
func (c *Client) reject(kind, parent, reason string, raw []byte) model.Reject {
	return model.Reject{Kind: kind, Parent: parent, Reason: reason, Raw: c.http.Scrubber().Bytes(raw)}
}
