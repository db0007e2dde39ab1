package dingtalk

import (
	"encoding/json"
	"fmt"
	"time"

	"syncd/internal/model"
)

// The streams, by their names in the contract.
const (
	streamChats      = "chats"
	streamChatChecks = "chat_checks"
	streamSets       = "group_sets"
	streamReads      = "message_reads"
)

// The modes of streamChats.
const (
	modeFull = "full"
	modeNew  = "new"
)

// cursorTTL is our own caution: no page of the vendor says how long a cursor
// lives.
const cursorTTL = time.Hour

// followLate is how long after its end a message is still asked for: two runs of the
// usual schedule. Later the vendor would only say that its key has expired.
const followLate = time.Hour

// listParams are the frozen params of both lists. The fields of every params
// struct are in fixed order, so equal params are equal bytes.
type listParams struct {
	RelationType string      `json:"relation_type"`
	Conditions   []Condition `json:"conditions,omitempty"`
	MaxResults   int         `json:"max_results"`
}

// readsParams are those of one message.
type readsParams struct {
	Chat  string `json:"chat"`
	Robot string `json:"robot"`
}

// chatsScope are the filters of the chat lists, whatever their mode.
type chatsScope struct {
	RelationTypes []string    `json:"relation_types"`
	Conditions    []Condition `json:"conditions,omitempty"`
}

// Specs returns the streams in the order in which they need each other. The chats
// have two modes: only a full list shows what has changed or is gone, and only new
// ones can be asked for alone. One that a full list missed is read by itself.
func (c *Client) Specs() []model.StreamSpec {
	o := c.opts
	chats := model.StreamSpec{
		Name: streamChats, Shape: model.ShapeList, CursorTTL: cursorTTL, Concurrency: o.parallel, TotalsRemedy: fixTotals(streamChats),
		Scope: encode(chatsScope{RelationTypes: c.relations, Conditions: c.filter.Conditions}),
	}
	full, fresh := chats, chats
	full.Mode, full.Subjects = modeFull, c.chatSubjects(modeFull)
	full.Bounds = &model.BoundsSpec{Margin: o.margin, Ascending: true}
	full.Lists, full.ConfirmedBy = []model.Record{model.RecordChat}, streamChatChecks
	fresh.Mode, fresh.Subjects = modeNew, c.chatSubjects(modeNew)
	fresh.Bounds = &model.BoundsSpec{Margin: o.margin, FromWatermark: true, Overlap: o.overlap, Ascending: true}
	return []model.StreamSpec{
		{
			Name: streamSets, Shape: model.ShapeList, Subjects: c.setSubjects(), CursorTTL: cursorTTL,
			Concurrency: o.parallel, Scope: encode(chatsScope{RelationTypes: c.relations}),
			Lists: []model.Record{model.RecordGroupSet}, TotalsRemedy: fixTotals(streamSets),
		},
		full,
		fresh,
		{
			Name: streamChatChecks, Shape: model.ShapeDetail, Needs: []string{streamChats}, Confirms: streamChats,
			Params: encode(struct{}{}), Concurrency: o.parallel,
		},
		{
			Name: streamReads, Shape: model.ShapeDetail, Follow: &model.Follow{For: o.follow, Min: o.followEvery, Late: followLate},
			CursorTTL: cursorTTL, Concurrency: o.parallel,
		},
	}
}

// fixTotals is for a totalCount of other records than those listed. Whether it heeds
// queryDsl and relationType is not documented.
func fixTotals(stream string) string {
	return "compare with the vendor's console; if the list is whole, set streams." + stream + ".check_totals to false"
}

func (c *Client) chatSubjects(mode string) []model.Subject {
	subjects := make([]model.Subject, 0, len(c.relations))
	for _, relation := range c.relations {
		subjects = append(subjects, model.Subject{
			Name: relation + "/" + mode, Lane: relation,
			Params: encode(listParams{RelationType: relation, Conditions: c.filter.Conditions, MaxResults: c.opts.pageSize}),
		})
	}
	return subjects
}

func (c *Client) setSubjects() []model.Subject {
	subjects := make([]model.Subject, 0, len(c.relations))
	for _, relation := range c.relations {
		subjects = append(subjects, model.Subject{
			Name: relation, Params: encode(listParams{RelationType: relation, MaxResults: setsPageMax}),
		})
	}
	return subjects
}

// encode writes params. They hold strings and numbers only, which cannot fail.
func encode(params any) json.RawMessage {
	text, err := json.Marshal(params)
	if err != nil {
		panic(fmt.Sprintf("dingtalk: encode params: %v", err))
	}
	return text
}

// params reads the frozen params of a chain.
func params[T any](c *Client, chain model.Chain) (T, error) {
	var p T
	if err := json.Unmarshal(chain.Params, &p); err != nil {
		return p, c.bug("", fmt.Sprintf("params of %s %s are unreadable", chain.Stream, chain.Subject))
	}
	return p, nil
}
