package wecom

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// The streams of mass messages and join ways, by their names in the contract.
const (
	streamMessages = "group_messages"
	streamTasks    = "group_message_tasks"
	streamResults  = "group_message_results"
	streamJoinWays = "join_ways"
)

// The kinds of receivers of a mass message, as the vendor names them (vendor doc
// 96355).
const (
	// ChatGroup are customer group chats.
	ChatGroup = "group"
	// ChatSingle are customers.
	ChatSingle = "single"
)

// Bounds of the vendor (vendor doc 96355). Over the most rows of a page it falls
// back to its default without a word.
const (
	messageRowsMax  = 100
	deliveryRowsMax = 1000
	// messageSpanMax is a month, and the shortest there is, for the vendor does not
	// say how it counts one. A request is up to three seconds longer than its chain:
	// see period.
	messageSpanMax = 28*24*time.Hour - 3*time.Second
)

const (
	// messageMargin leaves what is younger to the next pass: a message may not be
	// listed at once.
	messageMargin = time.Minute
	// messageOverlap is listed again with every pass. The list tells no changes, and
	// when a message that waits for its approval or its hour appears in it, nobody
	// says; a page or two find it, over a weekend too.
	messageOverlap = 72 * time.Hour
	// filterAll is a value of filter_type.
	filterAll = 2
	// followMin and joinWayAge are less than the hour and the day between two
	// passes: what was read a moment after one began is due when the next does.
	followMin  = 50 * time.Minute
	joinWayAge = 23 * time.Hour
)

// What is wanted of mass messages where the options do not say.
const (
	messageReachDefault = 30 * 24 * time.Hour
	followDefault       = 7 * 24 * time.Hour
)

// MessageOptions say which mass messages (群发) are read, and for how long. The zero
// value is good.
type MessageOptions struct {
	// ChatTypes are the kinds of receivers: ChatGroup, ChatSingle (ChatGroup alone).
	ChatTypes []string
	// Backfill is how long ago a message was created at most (30 days).
	Backfill time.Duration
	// TasksFor is how long after a message was created its senders are looked at
	// again, ResultsFor how long after one of them has sent it the receivers are (7
	// days each).
	TasksFor, ResultsFor time.Duration
}

// complete returns a copy in which nothing is left open; nil for nil.
func (o *MessageOptions) complete() (*MessageOptions, error) {
	if o == nil {
		return nil, nil
	}
	full := MessageOptions{
		ChatTypes: slices.Clone(o.ChatTypes), Backfill: cmp.Or(o.Backfill, messageReachDefault),
		TasksFor: cmp.Or(o.TasksFor, followDefault), ResultsFor: cmp.Or(o.ResultsFor, followDefault),
	}
	if len(full.ChatTypes) == 0 {
		full.ChatTypes = []string{ChatGroup}
	}
	slices.Sort(full.ChatTypes)
	full.ChatTypes = slices.Compact(full.ChatTypes)
	for _, kind := range full.ChatTypes {
		if kind != ChatGroup && kind != ChatSingle {
			return nil, fmt.Errorf("chat type %q is neither %q nor %q", kind, ChatGroup, ChatSingle)
		}
	}
	if min(full.Backfill, full.TasksFor, full.ResultsFor) < 0 {
		return nil, errors.New("mass messages are to be read for less than no time")
	}
	return &full, nil
}

// JoinWayOptions say which join ways (加入群聊) are read. The vendor has no list of
// them.
type JoinWayOptions struct {
	// ConfigIDs are read whatever else is known.
	ConfigIDs []string
}

// complete returns a copy with every id once; nil for nil.
func (o *JoinWayOptions) complete() (*JoinWayOptions, error) {
	if o == nil {
		return nil, nil
	}
	ids := slices.Clone(o.ConfigIDs)
	slices.Sort(ids)
	ids = slices.Compact(ids)
	for _, id := range ids {
		if !lenient.IsID(id) {
			return nil, fmt.Errorf("%q is no config id", id)
		}
	}
	return &JoinWayOptions{ConfigIDs: ids}, nil
}

// messagesScope are the filters of the list of mass messages. How far back it
// reaches is one of them: when that changes, what was made before is listed.
type messagesScope struct {
	ChatTypes []string `json:"chat_types"`
	Backfill  string   `json:"backfill"`
}

// messageSpecs are the streams of mass messages. The list tells what was created
// within some time and never what changed or went, so its passes go on from the
// last one, less an overlap; senders and receivers are followed while they can
// change.
func (c *Client) messageSpecs() []model.StreamSpec {
	o := c.messages
	if o == nil {
		return nil
	}
	list := model.StreamSpec{
		Name: streamMessages, Shape: model.ShapeList, Scope: encode(messagesScope{o.ChatTypes, o.Backfill.String()}),
		Bounds: &model.BoundsSpec{
			Margin: messageMargin, FromWatermark: true, Overlap: messageOverlap, Reach: o.Backfill, SpanMax: messageSpanMax,
		},
		DriftRepeats: driftRepeats,
	}
	for _, kind := range o.ChatTypes {
		list.Subjects = append(list.Subjects, model.Subject{
			Name: kind, Lane: kind,
			Params: encode(messagesParams{ChatType: kind, FilterType: filterAll, Limit: messageRowsMax}),
		})
	}
	scope := encode(ownersParams{OwnerIDs: c.owners})
	specs := []model.StreamSpec{
		list,
		{
			Name: streamTasks, Shape: model.ShapeDetail, Needs: []string{streamMessages}, Scope: scope,
			Params: encode(tasksParams{OwnerIDs: c.owners, Limit: deliveryRowsMax}),
			Follow: &model.Follow{For: o.TasksFor, Min: followMin, Reach: o.Backfill},
		},
		{
			Name: streamResults, Shape: model.ShapeDetail, Needs: []string{streamTasks}, Scope: scope,
			Params: encode(resultsParams{Limit: deliveryRowsMax}),
			Follow: &model.Follow{For: o.ResultsFor, Min: followMin, Reach: o.Backfill},
		},
	}
	for i := range specs {
		specs[i].CursorTTL, specs[i].Concurrency = cursorTTL, c.parallel
	}
	return specs
}

// joinWaySpecs are the streams of join ways.
func (c *Client) joinWaySpecs() []model.StreamSpec {
	if c.joinWays == nil {
		return nil
	}
	return []model.StreamSpec{{
		Name: streamJoinWays, Shape: model.ShapeDetail, Items: slices.Clone(c.joinWays.ConfigIDs), MaxAge: joinWayAge,
		Params: encode(struct{}{}), Scope: encode(struct{}{}), Concurrency: c.parallel,
	}}
}
