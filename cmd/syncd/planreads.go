package main

import (
	"context"
	"fmt"
	"time"

	"syncd/config"
	"syncd/internal/model"
)

const (
	// flowSpan is how far back the forecast looks for how many messages come.
	flowSpan = 7 * 24 * time.Hour
	// messagesMax is how many coming messages a forecast follows one by one; more are
	// told from those.
	messagesMax = 2000
)

// ofMessages follows the messages that are tracked now, and as many new ones as came
// lately, through the runs of the stream.
func (m *monthPlanner) ofMessages(ctx context.Context, spec model.StreamSpec) ([]*demand, error) {
	readersPerPage := 1
	if c, ok := m.source.client.(interface{ ReadersPerPage() int }); ok {
		readersPerPage = c.ReadersPerPage()
	}
	flow, err := m.store.MessagesSince(ctx, m.source.Name, m.now.Add(-flowSpan), readersPerPage)
	if err != nil {
		return nil, err
	}
	open, err := m.store.TrackedMessages(ctx, m.source.Name, false)
	if err != nil {
		return nil, err
	}
	d := m.newDemand(spec)
	schedule := m.source.Streams[spec.Name].Schedule
	d.runs = int64(len(m.moments(schedule)))
	for _, message := range open {
		due := m.now
		if message.DueAt != nil && message.DueAt.After(due) {
			due = *message.DueAt
		}
		m.follow(d, *spec.Follow, schedule, message.SentAt, due, flow.Pages)
	}
	var perDay float64
	if flow.Sent > 0 {
		span := min(m.now.Sub(*flow.Oldest), flowSpan)
		perDay = float64(flow.Sent) / max(1, span.Hours()/24)
	}
	rest := m.until.Sub(m.now)
	coming := perDay * rest.Hours() / 24
	followed := min(wholeCalls(coming), messagesMax)
	for i := range followed {
		born := m.now.Add(time.Duration((float64(i) + 0.5) / float64(followed) * float64(rest)))
		m.follow(d, *spec.Follow, schedule, born, born, flow.Pages*coming/float64(followed))
	}
	d.note = fmt.Sprintf("%d messages followed now, %.1f more a day", len(open), perDay)
	return []*demand{d}, nil
}

// follow books the reads of one message that was born then and is due next at due.
func (m *monthPlanner) follow(d *demand, how model.Follow, schedule config.Schedule, born, due time.Time, calls float64) {
	for last := false; !last; {
		at := schedule.Next(due.Add(-time.Second).In(m.source.Timezone))
		if !at.Before(m.until) || how.Over(born, at) {
			return
		}
		d.add(m.days, at, calls)
		due, last = how.Next(born, at)
	}
}
