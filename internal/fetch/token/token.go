// Package token keeps the access token of one credential: it gets one when it is
// needed, once for all who want it, replaces it before it ends, and does not ask
// again and again with a credential that is refused.
//
// It does not know how a vendor is asked, nor which of its codes mean what: both
// are handed in. It keeps nothing beyond the memory of the process.
package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"syncd/internal/fetch"
)

const (
	// LifeDefault is assumed where a vendor does not say how long a token lives.
	LifeDefault = 5 * time.Minute
	// CredentialRest is how long a refused credential is not tried again: a vendor
	// may ban an address for trying.
	CredentialRest = 10 * time.Minute
	// RefusalRest is how long nothing is asked for after the vendor has refused a
	// token it had just issued, or an address.
	RefusalRest = time.Minute
	// refreshRest is how long a token that still works is used on after its early
	// replacement has failed.
	refreshRest = 30 * time.Second
	// lifeMax is beyond what any vendor can mean.
	lifeMax = 365 * 24 * time.Hour
)

// Token is one access token. The generation tells it from the next one: a vendor
// may issue the same text twice. The text is a function so that no printing of a
// struct can show it.
type Token struct {
	text       func() string
	generation int
}

// Text returns the token as the vendor issued it, "" for the zero Token.
func (t Token) Text() string {
	if t.text == nil {
		return ""
	}
	return t.text()
}

// Format prints nothing of the token, in any verb.
func (t Token) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "Token(***)") }

// Seconds is a life as vendors tell it; 0 where it cannot be one.
func Seconds(n int64) time.Duration {
	if n < 0 || n > int64(lifeMax/time.Second) {
		return 0
	}
	return time.Duration(n) * time.Second
}

// Options say how tokens are got.
type Options struct {
	// Endpoint names the token call in errors.
	Endpoint string
	// Ask gets a token and how long it lives; a life that cannot be one is
	// LifeDefault. It is never called twice at a time.
	Ask func(ctx context.Context) (text string, life time.Duration, err error)
	// Margin is how long before its end a token is replaced, but never more than a
	// tenth of its life.
	Margin time.Duration
	// BadCredential reports whether Ask was refused because of what only a person
	// can change.
	BadCredential func(*fetch.Error) bool
}

// Keeper keeps one token. It is safe for concurrent use.
type Keeper struct {
	opts Options

	// refreshing is held by the one who asks the vendor.
	refreshing chan struct{}

	mu        sync.Mutex
	current   Token
	refreshAt time.Time
	expiresAt time.Time
	// failure answers everyone who came before failedAt, and until failedUntil
	// everyone else too.
	failure     *fetch.Error
	failedAt    time.Time
	failedUntil time.Time
}

// New returns a keeper that has no token yet.
func New(opts Options) *Keeper {
	return &Keeper{opts: opts, refreshing: make(chan struct{}, 1)}
}

// Get returns a token that is good by the clock. Of many callers one asks the
// vendor, on its own context; the others wait for the result, good or bad. If
// that one is canceled, the next takes over.
func (k *Keeper) Get(ctx context.Context) (Token, error) {
	came := time.Now()
	if tok, done, err := k.cached(came, came); done {
		return tok, err
	}
	select {
	case k.refreshing <- struct{}{}:
	default:
		if tok, ok := k.stillGood(came); ok {
			return tok, nil
		}
		if bad := k.queue(ctx); bad != nil {
			return Token{}, bad
		}
	}
	defer func() { <-k.refreshing }()
	if tok, done, err := k.cached(came, time.Now()); done {
		return tok, err
	}
	return k.refresh(ctx)
}

// Discard drops a token that a call was refused with. Callers that were refused
// with the same one drop it only once.
func (k *Keeper) Discard(used Token) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current.generation == used.generation {
		k.current.text = nil
	}
}

// Condemn is for a token that was refused right after it was issued: asking for
// yet another one would loop. It drops the token, holds everyone off for a while
// and returns the error to stop with.
func (k *Keeper) Condemn(used Token, refused *fetch.Error, remedy string) *fetch.Error {
	e := *refused
	e.Class = fetch.ClassAuth
	e.Message = "a new token was refused as well: " + e.Message
	e.Remedy = remedy
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current.generation == used.generation {
		k.current.text = nil
		k.remember(&e, time.Now())
	}
	return &e
}

// stillGood returns the token that is being replaced early, while it lasts.
func (k *Keeper) stillGood(now time.Time) (Token, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.current, k.current.text != nil && now.Before(k.expiresAt)
}

// queue waits for the turn to ask the vendor.
func (k *Keeper) queue(ctx context.Context) error {
	select {
	case k.refreshing <- struct{}{}:
		return nil
	case <-ctx.Done():
		return &fetch.Error{
			Class: fetch.ClassTransient, Endpoint: k.opts.Endpoint, Code: "canceled",
			Message: "stopped while waiting for a token", Err: ctx.Err(),
		}
	}
}

// cached answers a caller that came at a time without asking the vendor, if that
// is possible.
func (k *Keeper) cached(came, now time.Time) (Token, bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.current.text != nil && now.Before(k.refreshAt) {
		return k.current, true, nil
	}
	if k.failure == nil {
		return Token{}, false, nil
	}
	e := *k.failure
	if now.Before(k.failedUntil) {
		e.Message += fmt.Sprintf("; not asked again before %s", k.failedUntil.UTC().Format(time.RFC3339))
		return Token{}, true, &e
	}
	return Token{}, came.Before(k.failedAt), &e
}

// refresh asks the vendor. The caller holds refreshing.
func (k *Keeper) refresh(ctx context.Context) (Token, error) {
	text, life, err := k.opts.Ask(ctx)
	k.mu.Lock()
	defer k.mu.Unlock()
	now := time.Now()
	if err == nil {
		if life <= 0 || life > lifeMax {
			life = LifeDefault
		}
		k.current = Token{text: func() string { return text }, generation: k.current.generation + 1}
		k.expiresAt = now.Add(life)
		k.refreshAt = k.expiresAt.Add(-min(k.opts.Margin, life/10))
		k.failure = nil
		return k.current, nil
	}
	bad, ok := errors.AsType[*fetch.Error](err)
	if !ok || bad.Err != nil {
		return Token{}, err // our caller stopped; that is no failure of the vendor
	}
	if k.current.text != nil && now.Before(k.expiresAt) && bad.Class != fetch.ClassAuth {
		k.refreshAt = now.Add(refreshRest)
		return k.current, nil
	}
	k.remember(bad, now)
	return Token{}, err
}

// remember keeps a failure. The caller holds mu.
func (k *Keeper) remember(bad *fetch.Error, now time.Time) {
	k.failure, k.failedAt, k.failedUntil = bad, now, now
	switch {
	case k.opts.BadCredential(bad):
		k.failedUntil = now.Add(CredentialRest)
	case bad.Class == fetch.ClassAuth:
		k.failedUntil = now.Add(RefusalRest)
	}
}
