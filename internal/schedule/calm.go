package schedule

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sameAgain is how long an equal message of River is not repeated: while the
// database is away it says several times a second that it is.
const sameAgain = 30 * time.Second

// calm passes on the warnings and errors of River, each not too often. What is
// routine to River is silence to us.
type calm struct {
	slog.Handler
	said *said
}

// said is when messages were passed on last.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

func newSaid() *said { return &said{at: map[string]time.Time{}} }

// Enabled reports whether messages of the level are passed on.
func (c *calm) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && c.Handler.Enabled(ctx, level)
}

// Handle passes a message on, unless an equal one was a moment ago.
func (c *calm) Handle(ctx context.Context, record slog.Record) error {
	c.said.mu.Lock()
	again := record.Time.Sub(c.said.at[record.Message]) < sameAgain
	if !again {
		c.said.at[record.Message] = record.Time
	}
	c.said.mu.Unlock()
	if again {
		return nil
	}
	return c.Handler.Handle(ctx, record)
}

// WithAttrs returns a handler that adds attributes.
func (c *calm) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &calm{Handler: c.Handler.WithAttrs(attrs), said: c.said}
}

// WithGroup returns a handler that opens a group.
func (c *calm) WithGroup(name string) slog.Handler {
	return &calm{Handler: c.Handler.WithGroup(name), said: c.said}
}
