package schedule

import (
	"context"
	"log/slog"
	"sync"
	"time"
)

// sameAgain is how long an equal message is not repeated: while the database is
// away there would be several a second.
const sameAgain = 30 * time.Second

// calm passes on the warnings and errors of River, each not too often. What is
// routine to River is silence to us.
type calm struct {
	slog.Handler
	said *said
}

// said is when messages were told last.
type said struct {
	mu sync.Mutex
	at map[string]time.Time
}

func newSaid() *said { return &said{at: map[string]time.Time{}} }

// again reports whether the message was told a moment before at; if not, it is now.
func (s *said) again(message string, at time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if at.Sub(s.at[message]) < sameAgain {
		return true
	}
	s.at[message] = at
	return false
}

// Enabled reports whether messages of the level are passed on.
func (c *calm) Enabled(ctx context.Context, level slog.Level) bool {
	return level >= slog.LevelWarn && c.Handler.Enabled(ctx, level)
}

// Handle passes a message on, unless an equal one was a moment ago.
func (c *calm) Handle(ctx context.Context, record slog.Record) error {
	if c.said.again(record.Message, record.Time) {
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
