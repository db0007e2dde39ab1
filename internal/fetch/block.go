package fetch

import (
	"fmt"
	"sync"
	"time"
)

// block is a time in which a vendor does not want to be asked. Its zero value
// blocks nothing.
type block struct {
	mu    sync.Mutex
	until time.Time
	code  string
}

// begin makes the block last until then at least.
func (b *block) begin(until time.Time, code string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if until.After(b.until) {
		b.until, b.code = until, code
	}
}

// wait is how long it lasts; 0 is not at all.
func (b *block) wait(now time.Time) (time.Duration, reason) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.until.After(now) {
		return 0, reason{}
	}
	return b.until.Sub(now), blockedBy(b.code, b.until)
}

func blockedBy(code string, until time.Time) reason {
	return reason{
		code: code, text: fmt.Sprintf("vendor throttles (%s) until %s", code, until.UTC().Format(time.RFC3339)),
	}
}

// Hosts remembers which hosts have banned this machine, for all sources of the
// process that call them: a ban is for the address, not for the credential. It is
// safe for concurrent use.
type Hosts struct {
	mu     sync.Mutex
	blocks map[string]*block
}

// NewHosts returns a registry that knows of no ban.
func NewHosts() *Hosts { return &Hosts{blocks: map[string]*block{}} }

func (h *Hosts) of(host string) *block {
	h.mu.Lock()
	defer h.mu.Unlock()
	b := h.blocks[host]
	if b == nil {
		b = &block{}
		h.blocks[host] = b
	}
	return b
}
