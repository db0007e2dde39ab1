package dingtalk

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

// readable is a message that can be asked for now and has been read so often.
func readable(c *client, readers int) Message {
	for _, m := range c.sim.Messages(c.sim.Now()) {
		state, _ := c.sim.Message(m.Key, c.sim.Now())
		if state.Ready && !state.Expired && state.Status == StatusSuccess && len(state.Readers) >= readers {
			return m
		}
	}
	require.Fail(c.t.(*testing.T), "no such message")
	return Message{}
}

func TestReadersAreTheTruth(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Messages: 150, Limits: Limits{PerMonth: -1}})
	states := map[string]int{}
	for range 10 {
		for _, m := range c.sim.Messages(c.sim.Now()) {
			state, ok := c.sim.Message(m.Key, c.sim.Now())
			require.True(t, ok)
			require.Equal(t, m, state.Message)
			if !state.Ready || state.Expired {
				checkRefused(t, c.reads(m, ""), 400, codeKeyTime)
				states["refused"]++
				continue
			}
			var got []string
			next := ""
			for {
				page := c.reads(m, `,"maxResults":7,"nextToken":"`+next+`"`)
				require.Equal(t, 200, page.Status, page.Code)
				require.Equal(t, state.Status, page.SendStatus)
				require.LessOrEqual(t, len(page.Readers), 7)
				got = append(got, page.Readers...)
				if !page.HasMore {
					break
				}
				next = *page.NextToken
			}
			require.Equal(t, state.Readers, append([]string{}, got...))
			states[state.Status]++
		}
		c.advance(57 * time.Minute)
		c.now = c.now.Add(time.Minute)
		c.login()
	}
	for _, state := range []string{StatusSuccess, StatusRecalled, "refused"} {
		require.Positive(t, states[state], state)
	}
}

// A message is too young, being sent, sent, and too old, in that order; readers
// only join, at the end.
func TestLifeOfAMessage(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{MessagesPerDay: 300, ReadyAfter: 10 * time.Minute, KeyTTL: 12 * time.Hour, Limits: Limits{PerMonth: -1}, TokenTTL: 72 * time.Hour})
	c.login()
	known := len(c.sim.Messages(c.sim.Now()))
	c.advance(time.Hour)
	messages := c.sim.Messages(c.sim.Now())
	require.Greater(t, len(messages), known)
	lives := map[string][]string{}
	readers := map[string][]string{}
	for range 170 {
		for _, m := range messages[known:min(known+6, len(messages))] {
			got := c.reads(m, `,"maxResults":200`)
			what := got.SendStatus + got.Code
			if life := lives[m.Key]; len(life) == 0 || life[len(life)-1] != what {
				lives[m.Key] = append(life, what)
			}
			if got.Status == 200 {
				was := readers[m.Key]
				require.GreaterOrEqual(t, len(got.Readers), len(was))
				require.True(t, slices.Equal(was, got.Readers[:len(was)]))
				readers[m.Key] = got.Readers
			}
		}
		c.advance(5 * time.Minute)
	}
	for key, life := range lives {
		text := strings.Join(life, " ")
		require.Regexp(t, `^(processQueryKey.expireTime )?(PROCESSING )?SUCCESS (RECALLED )?processQueryKey.expireTime$`, text, key)
		require.NotEmpty(t, readers[key])
	}
	require.Len(t, lives, 6)
}

func TestReadersRefuse(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{})
	m := readable(c, 1)
	other := m
	for _, o := range c.sim.Messages(c.sim.Now()) {
		if o.ChatID != m.ChatID && o.RobotCode != m.RobotCode {
			other = o
		}
	}
	next := *c.reads(m, `,"maxResults":1`).NextToken
	for name, test := range map[string]struct {
		m    Message
		more string
		code string
	}{
		"no key":         {Message{"", m.ChatID, m.RobotCode, m.SentAt}, "", codeKeyMissing},
		"unknown key":    {Message{"x", m.ChatID, m.RobotCode, m.SentAt}, "", codeKeyUnknown},
		"future key":     {Message{c.sim.tenant.messageKey(1 << 20), m.ChatID, m.RobotCode, m.SentAt}, "", codeKeyUnknown},
		"no chat":        {Message{m.Key, "", m.RobotCode, m.SentAt}, "", codeNoChatID},
		"bad chat":       {Message{m.Key, "cid", m.RobotCode, m.SentAt}, "", codeBadChatID},
		"other chat":     {Message{m.Key, other.ChatID, m.RobotCode, m.SentAt}, "", codeChatOther},
		"no robot":       {Message{m.Key, m.ChatID, "", m.SentAt}, "", codeRobotNone},
		"other robot":    {Message{m.Key, m.ChatID, other.RobotCode, m.SentAt}, "", codeRobotOther},
		"unknown robot":  {Message{m.Key, m.ChatID, "ding", m.SentAt}, "", codeRobotNever},
		"page too large": {m, `,"maxResults":201`, codePageSize},
		"page too small": {m, `,"maxResults":0`, codePageSize},
		"quoted size":    {m, `,"maxResults":"7"`, codeReadsParam},
		"unknown field":  {m, `,"pageSize":7`, codeReadsParam},
		"bad cursor":     {m, `,"nextToken":"50"`, codeReadsCursor},
		"other size":     {m, `,"maxResults":2,"nextToken":"` + next + `"`, codeReadsCursor},
	} {
		got := c.reads(test.m, test.more)
		require.Equal(t, test.code, got.Code, name)
		require.Equal(t, 400, got.Status, name)
	}
	require.Equal(t, 200, c.reads(m, `,"maxResults":1,"nextToken":"`+next+`"`).Status)
}

func TestNoMessages(t *testing.T) {
	t.Parallel()
	c := newClient(t, Options{Messages: -1, MessagesPerDay: -1})
	c.advance(100 * 24 * time.Hour)
	require.Empty(t, c.sim.Messages(c.sim.Now()))
}
