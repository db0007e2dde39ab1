package scrm

import (
	"cmp"
	"encoding/json"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

type groupObject struct {
	SalesID        lenient.Text                 `json:"salesId,case:strict"`
	SalesName      lenient.Text                 `json:"salesName"`
	DepartmentName lenient.Text                 `json:"departmentName"`
	ChatID         lenient.Text                 `json:"chatId,case:strict"`
	ChatName       lenient.Text                 `json:"chatName"`
	Tasks          lenient.Elements[taskObject] `json:"tasks"`
	Calendars      lenient.Elements[anything]   `json:"calendars"`
	TagGroupNames  lenient.Elements[anything]   `json:"tagGroupNames"`
	CreateTime     lenient.Text                 `json:"createTimeGroup"`
	Extra          jsontext.Value               `json:",embed"`
}

type taskObject struct {
	ID         lenient.Text   `json:"id,case:strict"`
	SOPInfoID  lenient.Text   `json:"sopInfoId,case:strict"`
	Title      lenient.Text   `json:"title"`
	ChatID     lenient.Text   `json:"chatId,case:strict"`
	ChatName   lenient.Text   `json:"chatName"`
	SendStatus lenient.Int    `json:"sendStatus"`
	Mode       lenient.Int    `json:"mode"`
	CreatorID  lenient.Text   `json:"creatorId,case:strict"`
	OwnerID    lenient.Text   `json:"ownerId,case:strict"`
	OwnerName  lenient.Text   `json:"ownerName"`
	StartTime  lenient.Text   `json:"startTime"`
	Extra      jsontext.Value `json:",embed"`
}

// anything is an element whose shape is not documented, as it came.
type anything struct{ raw jsontext.Value }

// UnmarshalJSONFrom fails on bad syntax only.
func (a *anything) UnmarshalJSONFrom(dec *jsontext.Decoder) error {
	raw, err := dec.ReadValue()
	a.raw = raw.Clone()
	return err
}

// translate makes a page of the rows. A group that comes twice, or a task, counts
// as it came last. A task belongs to the group in which it stands.
func (c *Client) translate(rows []lenient.Element[groupObject], text []byte) model.Page {
	page := model.Page{
		Chats: make([]model.Chat, 0, len(rows)), SOPGroups: make([]model.SOPGroup, 0, len(rows)),
	}
	for i := range rows {
		e := &rows[i]
		w := &e.Value
		if e.Bad || !lenient.IsID(w.ChatID.Value) {
			page.Rejects = append(page.Rejects, c.reject("chat", "", "no readable chatId", e.Raw(text)))
			continue
		}
		page.Owners = w.addOwner(page.Owners)
		page.Chats = append(page.Chats, w.chat(c.zone))
		group, rejects := c.group(e, text)
		page.SOPGroups = append(page.SOPGroups, group)
		page.Rejects = append(page.Rejects, rejects...)
	}
	page.Chats = lastOf(page.Chats, func(c *model.Chat) string { return c.ID })
	page.SOPGroups = lastOf(page.SOPGroups, func(g *model.SOPGroup) string { return g.ChatID })
	dropRepeatedTasks(page.SOPGroups)
	return page
}

// lastOf keeps of elements with one key the last, in the order of the list.
func lastOf[T any](list []T, key func(*T) string) []T {
	latest := make(map[string]int, len(list))
	for i := range list {
		latest[key(&list[i])] = i
	}
	if len(latest) == len(list) {
		return list
	}
	kept := make([]T, 0, len(latest))
	for i := range list {
		if latest[key(&list[i])] == i {
			kept = append(kept, list[i])
		}
	}
	return kept
}

// dropRepeatedTasks leaves of a task that stands in several groups the last.
func dropRepeatedTasks(groups []model.SOPGroup) {
	holder := map[string]int{}
	for i := range groups {
		for j := range groups[i].Tasks {
			holder[groups[i].Tasks[j].ID] = i
		}
	}
	for i := range groups {
		groups[i].Tasks = slices.DeleteFunc(groups[i].Tasks, func(t model.SOPTask) bool { return holder[t.ID] != i })
	}
}

// addOwner adds the employee who owns the group, or what the row tells of one who
// is there already.
func (w *groupObject) addOwner(owners []model.Owner) []model.Owner {
	if !lenient.IsID(w.SalesID.Value) {
		return owners
	}
	i := slices.IndexFunc(owners, func(o model.Owner) bool { return o.ID == w.SalesID.Value })
	if i < 0 {
		i = len(owners)
		owners = append(owners, model.Owner{ID: w.SalesID.Value})
	}
	owners[i].Name = cmp.Or(w.SalesName.Ptr(), owners[i].Name)
	owners[i].DepartmentName = cmp.Or(w.DepartmentName.Ptr(), owners[i].DepartmentName)
	return owners
}

func (w *groupObject) chat(zone *time.Location) model.Chat {
	created, badTime := instant(&w.CreateTime, zone)
	owner, badOwner := w.SalesID.ID()
	_, unplain := names(w.TagGroupNames.Items)
	return model.Chat{
		ID: w.ChatID.Value, Name: w.ChatName.Ptr(), OwnerID: owner, OwnerName: w.SalesName.Ptr(),
		DepartmentName: w.DepartmentName.Ptr(), CreatedAt: created,
		Extra: lenient.Extra(w.Extra,
			lenient.Member{Name: "salesId", Value: badOwner},
			lenient.Member{Name: "salesName", Value: w.SalesName.Bad},
			lenient.Member{Name: "departmentName", Value: w.DepartmentName.Bad},
			lenient.Member{Name: "chatName", Value: w.ChatName.Bad},
			lenient.Member{Name: "createTimeGroup", Value: badTime},
			lenient.Member{Name: "calendars", Value: w.Calendars.Bad},
			lenient.Member{Name: "tagGroupNames", Value: slices.Concat(w.TagGroupNames.Bad, unplain)},
		),
	}
}

// group reads what the row tells beside the chat. Without a list of tasks nobody
// could say which ones there are: that is a task set aside, of which not even the
// id is known.
func (c *Client) group(e *lenient.Element[groupObject], text []byte) (model.SOPGroup, []model.Reject) {
	w, chat := &e.Value, e.Value.ChatID.Value
	g := model.SOPGroup{ChatID: chat, Tasks: make([]model.SOPTask, 0, len(w.Tasks.Items))}
	var rejects []model.Reject
	if !w.Tasks.Set {
		raw := []byte(w.Tasks.Bad)
		if len(raw) == 0 {
			raw = e.Raw(text)
		}
		rejects = append(rejects, c.reject("task", chat, "no array tasks", raw))
	}
	for i := range w.Tasks.Items {
		t := &w.Tasks.Items[i]
		if t.Bad || !lenient.IsID(t.Value.ID.Value) {
			rejects = append(rejects, c.reject("task", chat, "no readable id", t.Raw(text)))
			continue
		}
		g.Tasks = append(g.Tasks, t.Value.task(w, c.zone))
	}
	g.Tasks = lastOf(g.Tasks, func(t *model.SOPTask) string { return t.ID })
	if w.Calendars.Set {
		g.Calendars = make([]json.RawMessage, 0, len(w.Calendars.Items))
		for i := range w.Calendars.Items {
			g.Calendars = append(g.Calendars, lenient.Canonical(w.Calendars.Items[i].Value.raw))
		}
	}
	if w.TagGroupNames.Set {
		g.Tags, _ = names(w.TagGroupNames.Items)
	}
	return g, rejects
}

// task belongs to the group of its row, whatever it says itself; where it says
// something else, that is kept.
func (w *taskObject) task(parent *groupObject, zone *time.Location) model.SOPTask {
	starts, badTime := instant(&w.StartTime, zone)
	owner, badOwner := w.OwnerID.ID()
	creator, badCreator := w.CreatorID.ID()
	info, badInfo := w.SOPInfoID.ID()
	return model.SOPTask{
		ID: w.ID.Value, InfoID: info, ChatID: parent.ChatID.Value, Title: w.Title.Ptr(),
		SendStatus: w.SendStatus.Ptr(), Mode: w.Mode.Ptr(),
		CreatorID: creator, OwnerID: owner, OwnerName: w.OwnerName.Ptr(), StartsAt: starts,
		Extra: lenient.Extra(w.Extra,
			lenient.Member{Name: "sopInfoId", Value: badInfo},
			lenient.Member{Name: "title", Value: w.Title.Bad},
			lenient.Member{Name: "chatId", Value: other(&w.ChatID, parent.ChatID.Value)},
			lenient.Member{Name: "chatName", Value: other(&w.ChatName, parent.ChatName.Value)},
			lenient.Member{Name: "sendStatus", Value: w.SendStatus.Bad},
			lenient.Member{Name: "mode", Value: w.Mode.Bad},
			lenient.Member{Name: "creatorId", Value: badCreator},
			lenient.Member{Name: "ownerId", Value: badOwner},
			lenient.Member{Name: "ownerName", Value: w.OwnerName.Bad},
			lenient.Member{Name: "startTime", Value: badTime},
		),
	}
}

// other is what a text says when it is neither empty nor the expected one.
func other(t *lenient.Text, expected string) jsontext.Value {
	if t.Value == "" || t.Value == expected {
		return t.Bad
	}
	return lenient.Quoted(t.Value)
}

// yearMin is before the vendor was there: what is older is no time that somebody
// meant.
const yearMin = 1970

// instant reads a time without a zone. What is no time is returned as it came.
func instant(t *lenient.Text, zone *time.Location) (*time.Time, jsontext.Value) {
	if t.Value == "" {
		return nil, t.Bad
	}
	for _, layout := range []string{timeSecond, timeMinute} {
		if at, err := time.ParseInLocation(layout, t.Value, zone); err == nil && at.Year() >= yearMin {
			at = at.UTC()
			return &at, nil
		}
	}
	return nil, lenient.Quoted(t.Value)
}

// tagBytesMax is far above any tag and below what a PostgreSQL index entry holds.
const tagBytesMax = 1000

// names reads tags: each once, in their order. One that is no text goes by its own
// JSON. Where the names do not tell all of the list, it is returned as it came.
func names(list []lenient.Element[anything]) (tags []string, raw jsontext.Value) {
	tags, plain := make([]string, 0, len(list)), true
	raw = jsontext.Value{'['}
	for i := range list {
		value := list[i].Value.raw
		if i > 0 {
			raw = append(raw, ',')
		}
		raw = append(raw, value...)
		tag, isText := name(value)
		fits := tag != "" && len(tag) <= tagBytesMax
		plain = plain && isText && fits
		if fits && !slices.Contains(tags, tag) {
			tags = append(tags, tag)
		}
	}
	if plain {
		return tags, nil
	}
	return tags, append(raw, ']')
}

// name is a tag; null is none.
func name(value jsontext.Value) (tag string, isText bool) {
	switch value.Kind() {
	case jsontext.KindNull:
		return "", false
	case jsontext.KindString:
		text, _ := jsontext.AppendUnquote(nil, value)
		return lenient.Clean(string(text)), true
	}
	return string(lenient.Canonical(value)), false
}
