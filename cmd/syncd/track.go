package main

import (
	"bufio"
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"syncd/internal/store"
)

type trackCmd struct {
	Add  trackAddCmd  `cmd:"" help:"Follow who reads robot messages."`
	List trackListCmd `cmd:"" help:"List the messages that are followed."`
	Rm   trackRmCmd   `cmd:"" help:"Forget messages, and who has read them."`
}

// trackedStream is the stream that a source must have for messages to be followed.
const trackedStream = "message_reads"

type trackSource struct {
	Source string `help:"Source of the messages; needed only where several could be meant." placeholder:"NAME"`
}

// of names the source that is meant.
func (t trackSource) of(c *cli, h *host) (string, error) {
	cfg, err := c.load(h)
	if err != nil {
		return "", err
	}
	var names []string
	for _, s := range cfg.Sources {
		if _, ok := s.Streams[trackedStream]; ok {
			names = append(names, s.Name)
		}
	}
	switch {
	case t.Source != "" && slices.Contains(names, t.Source):
		return t.Source, nil
	case t.Source != "":
		return "", usage("--source %s: no source of that name follows robot messages; those that do: %s", t.Source, orNone(names))
	case len(names) == 1:
		return names[0], nil
	case len(names) == 0:
		return "", usage("no source in the configuration follows robot messages (stream %s)", trackedStream)
	}
	return "", usage("--source is needed: %s follow robot messages", strings.Join(names, " and "))
}

func orNone(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

type trackAddCmd struct {
	trackSource
	Key    string    `help:"Key that the vendor returned when the message was sent (processQueryKey)." placeholder:"KEY"`
	Chat   string    `help:"Chat that it was sent to (openConversationId)." placeholder:"ID"`
	Robot  string    `help:"Robot that sent it (robotCode)." placeholder:"CODE"`
	SentAt time.Time `help:"When it was sent, as 2026-11-20T09:00:00+08:00 (default: now)." placeholder:"TIME"`
	From   string    `help:"CSV file with a header line and the columns key, chat, robot and, if known, sent_at; - is standard input." placeholder:"FILE"`
}

// Run has messages followed from the next pass on.
func (t *trackAddCmd) Run(ctx context.Context, c *cli, h *host) error {
	source, err := t.of(c, h)
	if err != nil {
		return err
	}
	messages, lines, err := t.messages()
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		done, err := store.New(db.pool).TrackMessages(ctx, source, messages, h.now())
		if bad, ok := errors.AsType[*store.BadMessageError](err); ok {
			if t.From == "" {
				return usage("the message cannot be followed: %w", bad.Err)
			}
			return usage("%s, line %d: %w; nothing was taken", t.From, lines[bad.Index], bad.Err)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(h.stdout, "%s: %d new, %d corrected, %d known already\n", source, done.New, done.Corrected, done.Known)
		return nil
	})
}

// messages are those of the flags, or of the file with the lines on which they begin.
func (t *trackAddCmd) messages() (messages []store.RobotMessage, lines []int, err error) {
	given := t.Key != "" || t.Chat != "" || t.Robot != "" || !t.SentAt.IsZero()
	switch {
	case t.From != "" && given:
		return nil, nil, usage("--from takes the place of --key, --chat, --robot and --sent-at")
	case t.From == "-":
		return readMessages(os.Stdin, t.From)
	case t.From != "":
		f, err := os.Open(t.From)
		if err != nil {
			return nil, nil, usage("--from: %w", err)
		}
		defer func() { _ = f.Close() }()
		return readMessages(f, t.From)
	case t.Key == "" || t.Chat == "" || t.Robot == "":
		return nil, nil, usage("--key, --chat and --robot are needed, or --from FILE")
	}
	return []store.RobotMessage{{Key: t.Key, ChatID: t.Chat, RobotCode: t.Robot, SentAt: t.SentAt}}, nil, nil
}

// messageColumns are those of the file; the last may be left out.
var messageColumns = []string{"key", "chat", "robot", "sent_at"}

// byteOrderMark is what spreadsheets begin a file with.
const byteOrderMark = "\ufeff"

// readMessages reads a file of messages, with the lines on which they begin. Its
// columns may stand in any order.
func readMessages(from io.Reader, name string) (messages []store.RobotMessage, lines []int, err error) {
	text := bufio.NewReader(from)
	if begin, _ := text.Peek(len(byteOrderMark)); string(begin) == byteOrderMark {
		_, _ = text.Discard(len(byteOrderMark)) // it has been read
	}
	r := csv.NewReader(text)
	header, err := r.Read()
	if err != nil {
		return nil, nil, usage("%s: read the header line: %w", name, err)
	}
	at := map[string]int{}
	for i, column := range header {
		column = strings.TrimSpace(column)
		if _, twice := at[column]; twice || !slices.Contains(messageColumns, column) {
			return nil, nil, usage("%s, line 1: column %q: want each of %s once", name, column, strings.Join(messageColumns, ", "))
		}
		at[column] = i
	}
	for _, column := range messageColumns[:3] {
		if _, ok := at[column]; !ok {
			return nil, nil, usage("%s, line 1: there is no column %s", name, column)
		}
	}
	for {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			return messages, lines, nil
		}
		if err != nil {
			return nil, nil, usage("%s: %w", name, err)
		}
		m := store.RobotMessage{Key: row[at["key"]], ChatID: row[at["chat"]], RobotCode: row[at["robot"]]}
		if i, ok := at["sent_at"]; ok && row[i] != "" {
			if m.SentAt, err = time.Parse(time.RFC3339, row[i]); err != nil {
				line, _ := r.FieldPos(i)
				return nil, nil, usage("%s, line %d: sent_at %q: want a time such as 2026-11-20T09:00:00+08:00; nothing was taken", name, line, row[i])
			}
		}
		line, _ := r.FieldPos(0)
		messages, lines = append(messages, m), append(lines, line)
	}
}

type trackListCmd struct {
	trackSource
	All bool `help:"Those that are not followed any more, too."`
}

// Run lists messages, the youngest first.
func (t *trackListCmd) Run(ctx context.Context, c *cli, h *host) error {
	source, err := t.of(c, h)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		list, err := store.New(db.pool).TrackedMessages(ctx, source, t.All)
		if err != nil {
			return err
		}
		out := columns{right: []bool{false, false, false, true}}
		out.add("SENT", "KEY", "STATUS", "READERS", "STATE")
		for _, m := range list {
			out.add(m.SentAt.UTC().Format(time.RFC3339), m.Key, m.SendStatus, strconv.FormatInt(m.Readers, 10), stateOf(m))
		}
		if len(list) == 0 {
			fmt.Fprintf(h.stdout, "%s follows no message\n", source)
			return nil
		}
		return out.print(h.stdout)
	})
}

// stateOf says how a message is followed.
func stateOf(m store.TrackedMessage) string {
	clock := func(t *time.Time) string { return t.UTC().Format(time.RFC3339) }
	switch {
	case m.ClosedAt != nil:
		return "closed at " + clock(m.ClosedAt) + ": " + m.CloseReason
	case m.DueAt == nil:
		return "not asked for yet"
	case m.ErrorCode != "":
		return m.ErrorCode + ", again at " + clock(m.DueAt)
	}
	return "next at " + clock(m.DueAt)
}

type trackRmCmd struct {
	trackSource
	Keys []string `arg:"" name:"key" help:"Keys of the messages."`
}

// Run forgets messages.
func (t *trackRmCmd) Run(ctx context.Context, c *cli, h *host) error {
	source, err := t.of(c, h)
	if err != nil {
		return err
	}
	return c.withDatabase(ctx, h, joinDatabase, func(ctx context.Context, db *database) error {
		if err := store.CheckSchema(ctx, db.pool); err != nil {
			return err
		}
		removed, err := store.New(db.pool).UntrackMessages(ctx, source, t.Keys)
		if err != nil {
			return err
		}
		fmt.Fprintf(h.stdout, "%s: %d forgotten\n", source, len(removed))
		for _, key := range t.Keys {
			if !slices.Contains(removed, key) {
				fmt.Fprintf(h.stdout, "%s was not followed\n", key)
			}
		}
		return nil
	})
}
