package wecom

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"syncd/internal/fetch"
	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
	"syncd/internal/vendorsim"
)

// simulated serves a tenant whose clock stands still, and a client for it.
func simulated(t *testing.T, o vendorsim.Options, change ...func(*Options)) (*vendorsim.Sim, *Client) {
	t.Helper()
	began := time.Now()
	o.CorpID, o.Secret, o.Now = testCorp, testSecret, func() time.Time { return began }
	sim, err := vendorsim.New(o)
	require.NoError(t, err)
	server := httptest.NewServer(sim)
	t.Cleanup(server.Close)
	return sim, testClient(t, server.URL, change...)
}

// whole follows a chain to its last page.
func whole(t *testing.T, c *Client, chain model.Chain) (model.Page, error) {
	t.Helper()
	all, err := c.Page(t.Context(), chain, "")
	for err == nil && !all.Last {
		var page model.Page
		page, err = c.Page(t.Context(), chain, all.Next)
		all = all.Join(page)
	}
	return all, err
}

// TestMessagesAreTheTruth reads a tenant whose answers are odd, span by span,
// message by message and sender by sender, and compares all of it.
func TestMessagesAreTheTruth(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t, vendorsim.Options{Seed: 7, Odd: true}, withMessages, func(o *Options) {
		o.Messages = &MessageOptions{ChatTypes: []string{ChatGroup, ChatSingle}, Backfill: 60 * 24 * time.Hour}
	})
	now := sim.Now()
	specs, _ := specsByName(c)
	list := specs[streamMessages]
	messages := map[string]model.GroupMessage{}
	calls := 0
	for _, subject := range list.Subjects {
		names, spans := list.Bounds.Spans(subject.Name, time.Time{}, now)
		require.Len(t, names, 3)
		for i, name := range names {
			chain := model.Chain{Source: "acme", Stream: list.Name, Subject: name, Params: subject.Params, Bounds: spans[i]}
			page, err := whole(t, c, chain)
			require.NoError(t, err)
			require.Empty(t, page.Rejects)
			calls += page.Calls
			for _, m := range page.GroupMessages {
				messages[m.ID] = m
			}
		}
	}
	want := 0
	for m := range sim.Messages(now) {
		if m.CreatedAt.Before(now.Add(-60*24*time.Hour)) || m.CreatedAt.After(now.Add(-messageMargin)) {
			continue
		}
		want++
		got, ok := messages[m.ID]
		require.True(t, ok, m.ID)
		require.Equal(t, m.ChatType, got.ChatType)
		require.True(t, m.CreatedAt.Equal(*got.CreatedAt))
		require.EqualValues(t, m.CreateType, *got.CreateType)
		require.Equal(t, m.Creator == "", got.CreatorID == nil)
		require.Equal(t, m.Text == nil, got.Content == nil)
		if m.Text != nil {
			// How many replacements a broken character becomes is all the same.
			require.Equal(t, strings.TrimRight(lenient.Clean(*m.Text), "\uFFFD"), strings.TrimRight(*got.Content, "\uFFFD"))
		}
		require.Equal(t, m.Attachments == "", got.Attachments == nil)
	}
	require.Greater(t, want, 50)
	require.Greater(t, calls, len(list.Subjects)*3, "no span has a second page")

	verdicts := map[fetch.Class]int{}
	for id := range messages {
		verdicts[deliveriesAreTheTruth(t, sim, c, id)]++
	}
	require.Positive(t, verdicts[fetch.ClassUnknown], "messages that are told")
	require.Positive(t, verdicts[fetch.ClassGone], "messages that were cancelled")
	require.Zero(t, verdicts[fetch.ClassTransient]+verdicts[fetch.ClassRefused])
}

// deliveriesAreTheTruth compares senders and receivers of one message. The class is
// that of a message whose senders are refused.
func deliveriesAreTheTruth(t *testing.T, sim *vendorsim.Sim, c *Client, id string) fetch.Class {
	t.Helper()
	now := sim.Now()
	told, made := sim.Message(id, now)
	require.True(t, made)
	page, err := whole(t, c, chainOf(c, streamTasks, id))
	switch class := fetch.ClassOf(err); {
	case !told.CancelledAt.IsZero():
		require.Equal(t, fetch.ClassGone, class)
		return class
	case told.TasksAt.After(now):
		require.Equal(t, fetch.ClassNotReady, class)
		return class
	}
	require.NoError(t, err)
	tasks := sim.Tasks(id, now)
	require.Len(t, page.MessageTasks, len(tasks))
	for i, task := range tasks {
		got := page.MessageTasks[i]
		require.Equal(t, task.Sender, got.UserID)
		require.EqualValues(t, task.Status, *got.Status)
		require.Equal(t, task.SentAt.IsZero(), got.SentAt == nil)
		results, err := whole(t, c, chainOf(c, streamResults, sender{id, task.Sender}.subject()))
		if fetch.ClassOf(err) == fetch.ClassGone {
			require.ErrorContains(t, err, "40003", "who has resigned")
			continue
		}
		require.NoError(t, err)
		rows := sim.Results(id, task.Sender, now)
		require.Len(t, results.MessageResults, len(rows))
		for k, row := range rows {
			got := results.MessageResults[k]
			require.Equal(t, []string{id, task.Sender, row.ChatID, row.ExternalID},
				[]string{got.MessageID, got.UserID, got.ChatID, got.ExternalUserID})
			require.EqualValues(t, row.Status, *got.Status)
			require.True(t, row.SentAt.IsZero() == (got.SentAt == nil) && (got.SentAt == nil || row.SentAt.Equal(*got.SentAt)))
		}
	}
	return fetch.ClassUnknown
}

// TestJoinWaysAreTheTruth reads the join ways of a tenant, those that were deleted
// and one of another app.
func TestJoinWaysAreTheTruth(t *testing.T) {
	t.Parallel()
	sim, c := simulated(t, vendorsim.Options{Seed: 7, Odd: true}, withMessages)
	told, gone := 0, 0
	for want := range sim.JoinWays(sim.Now()) {
		page, err := c.Page(t.Context(), chainOf(c, streamJoinWays, want.ID), "")
		if !want.DeletedAt.IsZero() {
			require.Equal(t, fetch.ClassGone, fetch.ClassOf(err))
			gone++
			continue
		}
		require.NoError(t, err)
		require.Empty(t, page.Rejects)
		got := page.JoinWays[0]
		require.Equal(t, want.ID, got.ID)
		require.Equal(t, want.ChatIDs, got.ChatIDs)
		require.EqualValues(t, want.Scene, *got.Scene)
		require.EqualValues(t, want.AutoCreateRoom, *got.AutoCreateRoom)
		require.Equal(t, want.AutoCreateRoom == 1, got.RoomBaseName != nil && got.RoomBaseID != nil)
		require.Equal(t, want.State == "", got.State == nil)
		require.True(t, got.State == nil || *got.State == want.State)
		require.Equal(t, want.QRCode == "", got.QRCode == nil)
		told++
	}
	require.Positive(t, told)
	require.Positive(t, gone)
	_, err := c.Page(t.Context(), chainOf(c, streamJoinWays, "9ad7fa5cdaa65112aaaaaaaaaaaaaaaa"), "")
	require.Equal(t, fetch.ClassGone, fetch.ClassOf(err))
}
