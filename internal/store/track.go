package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"
)

// streamReads is the stream that asks who has read robot messages.
const streamReads = "message_reads"

// RobotMessage is a message that a robot sent and whose readers are followed.
type RobotMessage struct {
	// Key is the id that the vendor gave when it was sent.
	Key string
	// ChatID and RobotCode are those it was sent to and with.
	ChatID, RobotCode string
	// SentAt is when it was sent; zero where that is not known: then it counts as
	// sent when it is tracked.
	SentAt time.Time
}

// Bounds of what is tracked. A clock may be a little ahead, a year mistyped.
const (
	messageKeyBytesMax = 1000
	sentAheadMax       = 24 * time.Hour
)

// check says what is wrong with a message, or nothing.
func (m RobotMessage) check(now time.Time) error {
	for _, field := range []struct{ name, text string }{{"key", m.Key}, {"chat", m.ChatID}, {"robot", m.RobotCode}} {
		switch {
		case field.text == "":
			return fmt.Errorf("it has no %s", field.name)
		case strings.TrimSpace(field.text) != field.text:
			return fmt.Errorf("its %s has blanks around it", field.name)
		case !utf8.ValidString(field.text) || strings.ContainsRune(field.text, 0):
			return fmt.Errorf("its %s is not UTF-8 text", field.name)
		}
	}
	switch {
	case len(m.Key) > messageKeyBytesMax:
		return fmt.Errorf("its key has more than %d bytes", messageKeyBytesMax)
	case m.SentAt.After(now.Add(sentAheadMax)):
		return fmt.Errorf("it was sent in the future, %s", m.SentAt.Format(time.RFC3339))
	case !m.SentAt.IsZero() && m.SentAt.Year() < 2000:
		return fmt.Errorf("it was sent before the year 2000, %s", m.SentAt.Format(time.RFC3339))
	}
	return nil
}

// BadMessageError says that a message cannot be tracked.
type BadMessageError struct {
	// Index is its place among those that were given, from 0.
	Index int
	// Err says what is wrong.
	Err error
}

func (e *BadMessageError) Error() string { return fmt.Sprintf("message %d: %v", e.Index+1, e.Err) }

func (e *BadMessageError) Unwrap() error { return e.Err }

// Tracking counts what became of messages that were to be tracked.
type Tracking struct {
	// New were not known. Corrected were, with another chat, robot or time; their
	// readers are asked for again even if that had ended. Known stay as they are.
	New, Corrected, Known int
}

// TrackMessages has the readers of messages followed, from the next pass on. All are
// taken, or none: a [*BadMessageError] says which one cannot be. A message that is
// given twice counts once, and is refused where the two differ.
func (s *Store) TrackMessages(ctx context.Context, source string, messages []RobotMessage, now time.Time) (Tracking, error) {
	var done Tracking
	if source == "" {
		return done, errors.New("track messages: no source is named")
	}
	list, err := distinctMessages(messages, now)
	if err != nil || len(list) == 0 {
		return done, err
	}
	n := len(list)
	keys, chats, robots, sent := make([]string, n), make([]string, n), make([]string, n), make([]*time.Time, n)
	for i, m := range list {
		keys[i], chats[i], robots[i], sent[i] = m.Key, m.ChatID, m.RobotCode, timeOrNull(m.SentAt)
	}
	err = s.betweenCommits(ctx, source, streamReads, func(tx pgx.Tx) error {
		var corrected []string
		var key string
		var isNew bool
		done = Tracking{}
		err := each(ctx, tx, "robot_message_track", []any{source, now, keys, chats, robots, sent},
			[]any{&isNew, &key}, func() {
				if isNew {
					done.New++
				} else {
					corrected = append(corrected, key)
				}
			})
		if err != nil {
			return err
		}
		done.Corrected = len(corrected)
		done.Known = n - done.New - done.Corrected
		if done.Corrected == 0 {
			return nil
		}
		// An answer that is under way is about what they were: without its item none
		// can close a message.
		_, err = exec(ctx, tx, "item_drop", source, streamReads, corrected)
		return err
	})
	if err != nil {
		return Tracking{}, fmt.Errorf("track %d messages: %w", n, err)
	}
	return done, nil
}

// distinctMessages checks messages and returns each key once, sorted.
func distinctMessages(messages []RobotMessage, now time.Time) ([]RobotMessage, error) {
	first := make(map[string]int, len(messages))
	list := make([]RobotMessage, 0, len(messages))
	for i, m := range messages {
		m.SentAt = m.SentAt.Truncate(time.Microsecond) // what PostgreSQL keeps
		err := m.check(now)
		if at, twice := first[m.Key]; err == nil && twice {
			if was := list[at]; m.ChatID == was.ChatID && m.RobotCode == was.RobotCode && m.SentAt.Equal(was.SentAt) {
				continue
			}
			err = errors.New("its key stands there twice, with different values")
		}
		if err != nil {
			return nil, &BadMessageError{Index: i, Err: err}
		}
		first[m.Key] = len(list)
		list = append(list, m)
	}
	slices.SortFunc(list, func(a, b RobotMessage) int { return strings.Compare(a.Key, b.Key) })
	return list, nil
}

// TrackedMessage is a message with how it is followed.
type TrackedMessage struct {
	RobotMessage
	// SendStatus is the vendor's word, "" until it was read.
	SendStatus string
	// Readers are so many that are known to have read it.
	Readers int64
	// ReadAt is when the latest good answer was asked for, DueAt when the next one
	// will be; nil where there is none, or no pass has seen the message yet.
	ReadAt, DueAt *time.Time
	// ErrorCode is the vendor's code of the latest answer if that was none, or "".
	ErrorCode string
	// ClosedAt is since when it is not followed any more, nil while it is, and
	// CloseReason why not.
	ClosedAt    *time.Time
	CloseReason string
}

// TrackedMessages lists the messages of a source that are followed, the youngest
// first; with closed, the others as well.
func (s *Store) TrackedMessages(ctx context.Context, source string, closed bool) ([]TrackedMessage, error) {
	rows, err := s.pool.Query(ctx, q("robot_message_list"), source, streamReads, closed)
	if err != nil {
		return nil, fmt.Errorf("robot_message_list: %w", err)
	}
	list, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (TrackedMessage, error) {
		var m TrackedMessage
		return m, row.Scan(&m.Key, &m.ChatID, &m.RobotCode, &m.SentAt, &m.SendStatus, &m.Readers,
			&m.ReadAt, &m.DueAt, &m.ErrorCode, &m.ClosedAt, &m.CloseReason)
	})
	if err != nil {
		return nil, fmt.Errorf("robot_message_list: %w", err)
	}
	return list, nil
}

// UntrackMessages forgets messages with everybody who has read them, and returns the
// keys of those that were there, sorted.
func (s *Store) UntrackMessages(ctx context.Context, source string, keys []string) ([]string, error) {
	var removed []string
	err := s.betweenCommits(ctx, source, streamReads, func(tx pgx.Tx) error {
		var err error
		if removed, err = column(ctx, tx, "robot_message_remove", source, keys); err != nil || len(removed) == 0 {
			return err
		}
		if _, err := exec(ctx, tx, "robot_message_read_remove", source, removed); err != nil {
			return err
		}
		_, err = exec(ctx, tx, "item_drop", source, streamReads, removed)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("forget %d messages: %w", len(keys), err)
	}
	slices.Sort(removed)
	return removed, nil
}

// betweenCommits runs work in a transaction while no commit of the stream is under
// way. One that begins afterwards sees what was done.
func (s *Store) betweenCommits(ctx context.Context, source, stream string, work func(pgx.Tx) error) error {
	return pgx.BeginTxFunc(ctx, s.pool, readCommitted, func(tx pgx.Tx) error {
		if _, err := exec(ctx, tx, "lease_lock", source, stream); err != nil {
			return err
		}
		return work(tx)
	})
}
