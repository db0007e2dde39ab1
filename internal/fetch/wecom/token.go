package wecom

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"time"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
)

const (
	// refreshMargin is how long before its end a token is replaced, but never
	// more than a tenth of its life.
	refreshMargin = 200 * time.Second
	// lifeDefault is assumed where expires_in cannot be read.
	lifeDefault = 5 * time.Minute
	// credentialRest is how long a refused credential is not tried again.
	credentialRest = 10 * time.Minute
	// refusalRest is how long nothing is asked for after the vendor has refused
	// a token it had just issued, or an address.
	refusalRest = time.Minute
	// refreshRest is how long a token that still works is used on after its
	// early replacement has failed.
	refreshRest = 30 * time.Second
)

// token is one access token. The generation tells it from the next one: the
// vendor may issue the same text twice. The text is a function so that no
// printing of a struct can show it; nil is no token.
type token struct {
	text       func() string
	generation int
}

// tokens keeps the access token of one app and gets a new one when needed, one
// request at a time however many callers want it. Source: vendor doc 91039.
type tokens struct {
	http *fetch.Client
	// address returns the URL of gettoken, secret included.
	address func() string

	// refreshing is held by the one who asks the vendor.
	refreshing chan struct{}

	mu        sync.Mutex
	current   token
	refreshAt time.Time
	expiresAt time.Time
	// failure answers everyone who came before failedAt, and until failedUntil
	// everyone else too.
	failure     *fetch.Error
	failedAt    time.Time
	failedUntil time.Time
}

func newTokens(client *fetch.Client, base, corpID, secret string) *tokens {
	return &tokens{
		http:       client,
		refreshing: make(chan struct{}, 1),
		address: func() string {
			return base + endpointToken + "?" + url.Values{"corpid": {corpID}, "corpsecret": {secret}}.Encode()
		},
	}
}

// get returns a token that is good by the clock. Of many callers one asks the
// vendor, on its own context; the others wait for the result, good or bad. If
// that one is canceled, the next takes over.
func (t *tokens) get(ctx context.Context) (token, error) {
	came := time.Now()
	if tok, done, err := t.cached(came, came); done {
		return tok, err
	}
	select {
	case t.refreshing <- struct{}{}:
	default:
		if tok, ok := t.stillGood(came); ok {
			return tok, nil
		}
		if bad := t.queue(ctx); bad != nil {
			return token{}, bad
		}
	}
	defer func() { <-t.refreshing }()
	if tok, done, err := t.cached(came, time.Now()); done {
		return tok, err
	}
	return t.refresh(ctx)
}

// stillGood returns the token that is being replaced early, while it lasts.
func (t *tokens) stillGood(now time.Time) (token, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.current, t.current.text != nil && now.Before(t.expiresAt)
}

// queue waits for the turn to ask the vendor.
func (t *tokens) queue(ctx context.Context) error {
	select {
	case t.refreshing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &fetch.Error{
			Class: fetch.ClassTransient, Endpoint: endpointToken, Code: "canceled",
			Message: "stopped while waiting for a token", Err: ctx.Err(),
		}
	}
}

// cached answers a caller that came at a time without asking the vendor, if that
// is possible.
func (t *tokens) cached(came, now time.Time) (token, bool, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.text != nil && now.Before(t.refreshAt) {
		return t.current, true, nil
	}
	if t.failure == nil {
		return token{}, false, nil
	}
	e := *t.failure
	if now.Before(t.failedUntil) {
		e.Message += fmt.Sprintf("; not asked again before %s", t.failedUntil.UTC().Format(time.RFC3339))
		return token{}, true, &e
	}
	return token{}, came.Before(t.failedAt), &e
}

// refresh asks the vendor. The caller holds refreshing.
func (t *tokens) refresh(ctx context.Context) (token, error) {
	value, life, err := t.ask(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if err == nil {
		t.current = token{text: func() string { return value }, generation: t.current.generation + 1}
		t.expiresAt = now.Add(life)
		t.refreshAt = t.expiresAt.Add(-min(refreshMargin, life/10))
		t.failure = nil
		return t.current, nil
	}
	bad, ok := errors.AsType[*fetch.Error](err)
	if !ok || bad.Err != nil {
		return token{}, err // our caller stopped; that is no failure of the vendor
	}
	if t.current.text != nil && now.Before(t.expiresAt) && bad.Class != fetch.ClassAuth {
		t.refreshAt = now.Add(refreshRest)
		return t.current, nil
	}
	t.remember(bad, now)
	return token{}, err
}

// remember keeps a failure. The caller holds mu.
func (t *tokens) remember(bad *fetch.Error, now time.Time) {
	t.failure, t.failedAt, t.failedUntil = bad, now, now
	switch {
	case isCredentialCode(bad.Code) && bad.Endpoint == endpointToken:
		t.failedUntil = now.Add(credentialRest)
	case bad.Class == fetch.ClassAuth:
		t.failedUntil = now.Add(refusalRest)
	}
}

// tokenAnswer is the answer of gettoken (vendor doc 91039).
type tokenAnswer struct {
	envelope
	AccessToken lenient.Text `json:"access_token"`
	ExpiresIn   lenient.Int  `json:"expires_in"`
}

func (t *tokens) ask(ctx context.Context) (value string, life time.Duration, err error) {
	_, err = t.http.Do(ctx, fetch.Request{
		Endpoint: endpointToken,
		Prepare: func(ctx context.Context) (*http.Request, error) {
			return http.NewRequestWithContext(ctx, http.MethodGet, t.address(), nil)
		},
		Verdict: call{endpoint: endpointToken, decode: func(a fetch.Answer) (outcome, error) {
			answer, _, err := lenient.Decode[tokenAnswer](a.Body)
			if err != nil {
				return outcome{}, err
			}
			out, err := answer.outcome()
			if err != nil || out.code != 0 {
				return out, err
			}
			if value = answer.AccessToken.Value; value == "" {
				return out, malformed("answer holds no access_token")
			}
			// Before anything else can fail and speak of it.
			t.http.Scrubber().Add(value)
			life = time.Duration(answer.ExpiresIn.Value) * time.Second
			if life <= 0 || life > 365*24*time.Hour {
				life = lifeDefault
			}
			return out, nil
		}}.verdict,
	})
	return value, life, err
}

// discard drops a token that a business call was refused with. Callers that were
// refused with the same one drop it only once.
func (t *tokens) discard(used token) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.generation == used.generation {
		t.current.text = nil
	}
}

// condemn is for a token that was refused right after it was issued: asking for
// yet another one would loop. It drops the token, holds everyone off for a while
// and returns the error to stop with.
func (t *tokens) condemn(used token, refused *fetch.Error) *fetch.Error {
	e := *refused
	e.Class = fetch.ClassAuth
	e.Message = "a new token was refused as well: " + e.Message
	e.Remedy = fixApp
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current.generation == used.generation {
		t.current.text = nil
		t.remember(&e, time.Now())
	}
	return &e
}
