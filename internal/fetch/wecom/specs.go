package wecom

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"syncd/internal/model"
)

// The streams, by their names in the contract.
const (
	streamOwners  = "owners"
	streamChats   = "chats"
	streamMembers = "members"
)

// cursorTTL is our own caution: no page of the vendor says how long a cursor
// lives.
const cursorTTL = time.Hour

// driftRepeats is how often a list is read again at once because its cursor was
// lost: a list of a whole tenant is a few pages.
const driftRepeats = 2

// ownersParams are the frozen params of the owner list. The fields of every
// params struct are in fixed order, so equal params are equal bytes.
type ownersParams struct {
	OwnerIDs []string `json:"owner_ids,omitempty"`
}

type chatsParams struct {
	// StatusFilter 0 is every chat, 1 to 3 one state of a resigned owner.
	StatusFilter int      `json:"status_filter"`
	OwnerIDs     []string `json:"owner_ids,omitempty"`
	Limit        int      `json:"limit"`
}

type membersParams struct {
	// NeedName 1 asks for the members' names.
	NeedName int `json:"need_name"`
}

// Specs returns the streams in the order in which they need each other. With
// configured owners the chat list has a subject for every 100 of them, which is
// as many as the vendor takes in a filter; otherwise one for everything, and one
// for the chats of resigned owners alone, which not every reading of the
// vendor's documents has in the first (vendor doc 92120, 93414). Mass messages and
// join ways are among them where the options ask for them.
func (c *Client) Specs() []model.StreamSpec {
	return slices.Concat(c.chatSpecs(), c.stats, c.messageSpecs(), c.joinWaySpecs())
}

func (c *Client) chatSpecs() []model.StreamSpec {
	scope := encode(ownersParams{OwnerIDs: c.owners})
	return []model.StreamSpec{
		{
			Name: streamOwners, Shape: model.ShapeList, Scope: scope, Concurrency: 1,
			DriftRepeats: driftRepeats,
			Subjects:     []model.Subject{{Name: "all", Params: scope}}, Lists: []model.Record{model.RecordOwner},
		},
		{
			Name: streamChats, Shape: model.ShapeList, Needs: []string{streamOwners}, Scope: scope,
			Subjects: c.chatSubjects(), CursorTTL: cursorTTL, Concurrency: c.parallel, DriftRepeats: driftRepeats,
			Lists: []model.Record{model.RecordChat}, ConfirmedBy: streamMembers,
			ForOwners: c.chatsOfOwners, Roster: len(c.owners) == 0,
		},
		{
			Name: streamMembers, Shape: model.ShapeDetail, Needs: []string{streamChats}, Scope: scope,
			Params: encode(membersParams{NeedName: 1}), MaxAge: c.maxAge, Concurrency: c.parallel,
			Confirms: streamChats,
		},
	}
}

// statReach is how many days before today the vendor surely tells. Whether the
// 180th is told is not said (vendor doc 92133), so it is asked for alone.
const statReach = 179

// statSpecs are the streams of statistics. A period ends yesterday and is asked
// for once: when that day is over, the vendor tells another.
func (c *Client) statSpecs(opts Options) []model.StreamSpec {
	days := func(d StatDays) *model.WindowSpec {
		return &model.WindowSpec{
			Zone: c.zone, Reach: statReach, Backfill: cmp.Or(d.Backfill, statReach+1), Lookback: d.Lookback,
			ReadyHour: d.ReadyHour, SpanMax: statDaysMax,
		}
	}
	byOwner, byDay := days(opts.OwnerStats), days(opts.DailyStats)
	byOwner.Subjects, byDay.Subjects = model.SubjectOwners, model.SubjectBatches
	period := *byOwner
	period.Reach, period.Backfill, period.Lookback = 1, 1, 0
	period.Subjects, period.Periods = model.SubjectBatches, opts.Periods
	specs := []model.StreamSpec{
		{Name: streamOwnerStats, Window: byOwner}, {Name: streamDailyStats, Window: byDay},
	}
	if len(opts.Periods) > 0 {
		specs = append(specs, model.StreamSpec{Name: streamPeriodStats, Window: &period})
	}
	for i := range specs {
		specs[i].Shape, specs[i].Needs = model.ShapeWindow, []string{streamOwners}
		specs[i].Scope, specs[i].Concurrency = encode(ownersParams{OwnerIDs: c.owners}), c.parallel
	}
	return specs
}

func (c *Client) chatSubjects() []model.Subject {
	if len(c.owners) == 0 {
		return []model.Subject{
			{Name: "status/0", Params: encode(chatsParams{Limit: c.pageSize})},
			{Name: "status/1", Params: encode(chatsParams{StatusFilter: 1, Limit: c.pageSize})},
		}
	}
	var subjects []model.Subject
	for batch := range slices.Chunk(c.owners, ownerBatchMax) {
		subjects = append(subjects, model.Subject{
			Name: fmt.Sprintf("owners/%d", len(subjects)), Owners: batch, Params: c.chatsOfOwners(batch),
		})
	}
	return subjects
}

// chatsOfOwners makes the params of a chat list restricted to these owners.
func (c *Client) chatsOfOwners(ids []string) json.RawMessage {
	return encode(chatsParams{OwnerIDs: ids, Limit: c.pageSize})
}

// encode writes params. They hold strings and numbers only, which cannot fail.
func encode(params any) json.RawMessage {
	text, err := json.Marshal(params)
	if err != nil {
		panic(fmt.Sprintf("wecom: encode params: %v", err))
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
