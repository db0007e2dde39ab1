package vendorsim

import (
	"iter"
	"time"
)

// Message is the truth about one mass message. Only who sends it when is not in
// it, see [Sim.Tasks] and [Sim.Results].
type Message struct {
	// ID is the msgid.
	ID string
	// ChatType is "group" for chats, "single" for customers, as the list is asked.
	ChatType string
	// Creator is a userid; "" where the answer has none, for one made through the API.
	Creator string
	// CreateType is 0 for one of the organisation, 1 for a personal one.
	CreateType int
	CreatedAt  time.Time
	// Text is nil where the answer has no such field.
	Text *string
	// Attachments is the JSON array of the answer, "" where it has no such field.
	Attachments string
	// TasksAt is from when on tasks and results can be read; until then 41063.
	TasksAt time.Time
	// CancelledAt is from when on they are refused with 41093; zero while it is not
	// cancelled.
	CancelledAt time.Time

	quirks quirks
}

// Task is the truth about one sender of a mass message at one moment.
type Task struct {
	// Sender is a userid.
	Sender string
	// Status is 0, or 2 once it is sent; odd tenants also have 1 and 3 for sent.
	Status int
	// SentAt is zero while it is not sent.
	SentAt time.Time

	quirks quirks
}

// Result is the truth about one receiver of one sender's mass message at one
// moment.
type Result struct {
	// Sender is a userid.
	Sender string
	// ChatID is set for messages to chats, ExternalID for those to customers.
	ChatID, ExternalID string
	// Status is 0 not sent, 1 sent, 2 not a friend or not the sender's chat any
	// more, 3 the receiver has had another one.
	Status int
	// SentAt is zero unless Status is 1. It is up to ten minutes after the task's.
	SentAt time.Time

	quirks quirks
}

// message is what is known of a mass message at the instant.
func (t *tenant) message(m *mass, at int64) Message {
	told := Message{
		ID:          t.massID(m.number),
		ChatType:    chatTypeGroup,
		CreatedAt:   instant(m.at),
		Text:        t.massText(m.number),
		Attachments: t.attachments(m.number),
		TasksAt:     instant(m.tasked),
		quirks:      t.drawQuirks(m.number, 1<<42),
	}
	if m.single {
		told.ChatType = chatTypeSingle
	}
	if m.personal {
		told.CreateType = 1
	}
	if m.creator >= 0 {
		told.Creator = t.staffID(m.creator)
	}
	if m.stopped <= at {
		told.CancelledAt = instant(m.stopped)
	}
	return told
}

func (t *tenant) tasks(m *mass, at int64) []Task {
	senders := t.senders(m)
	tasks := make([]Task, 0, len(senders))
	for _, sender := range senders {
		sent := t.sends(m, sender)
		one := Task{
			Sender: t.staffID(sender),
			Status: t.taskStatus(m, sender, sent <= at),
			quirks: t.drawQuirks(m.number, 1<<43|uint64(sender)),
		}
		if sent <= at {
			one.SentAt = instant(sent)
		}
		tasks = append(tasks, one)
	}
	return tasks
}

func (s *Sim) results(m *mass, sender int, at int64) []Result {
	t := s.tenant
	targets, sent := s.targets(m, sender), t.sends(m, sender)
	results := make([]Result, 0, len(targets))
	for i, to := range targets {
		one := Result{Sender: t.staffID(sender), quirks: t.drawQuirks(m.number, 1<<44|uint64(i))}
		if m.single {
			one.ExternalID = t.externalID(to.person)
		} else {
			one.ChatID = t.chatID(to.chat)
		}
		var arrived int64
		if one.Status, arrived = t.result(m, to, sent, at); one.Status == resultSent {
			one.SentAt = instant(arrived)
		}
		results = append(results, one)
	}
	return results
}

// massNamed is the message with this msgid, made by the instant.
func (t *tenant) massNamed(id string, at int64) (mass, bool) {
	number, ok := t.massNumber(id)
	if !ok || number >= t.massCount(at) {
		return mass{}, false
	}
	return t.mass(number), true
}

// Messages are all mass messages made by an instant not before the start, to chats
// and to customers, oldest first.
func (s *Sim) Messages(at time.Time) iter.Seq[Message] {
	return func(yield func(Message) bool) {
		for number := range s.tenant.massCount(at.Unix()) {
			m := s.tenant.mass(number)
			if !yield(s.tenant.message(&m, at.Unix())) {
				return
			}
		}
	}
}

// Message is the one with this msgid; false while it is not made.
func (s *Sim) Message(id string, at time.Time) (Message, bool) {
	m, made := s.tenant.massNamed(id, at.Unix())
	if !made {
		return Message{}, false
	}
	return s.tenant.message(&m, at.Unix()), true
}

// Tasks are the senders of a mass message in the order of the answer, nil when
// there is no such message. Whether the vendor would refuse the call, because the
// message is new or cancelled, is told by [Message].
func (s *Sim) Tasks(id string, at time.Time) []Task {
	m, made := s.tenant.massNamed(id, at.Unix())
	if !made {
		return nil
	}
	return s.tenant.tasks(&m, at.Unix())
}

// Results is what has become of a mass message at the receivers of one of its
// senders, in the order of the answer: the chats that were his when it was made, or
// customers in few of them. It is nil when there is no such message or sender, and
// empty for a sender who owned no chat. It does not care whether the vendor would
// refuse the call, because the message is new or cancelled or the sender has
// resigned.
func (s *Sim) Results(id, sender string, at time.Time) []Result {
	m, made := s.tenant.massNamed(id, at.Unix())
	staff, known := s.stats.directory.staff(s.tenant, sender, at.Unix())
	if !made || !known || !s.tenant.asked(&m, staff) {
		return nil
	}
	return s.results(&m, staff, at.Unix())
}
