package scrm

import (
	"strconv"

	"syncd/internal/vendorsim/rawjson"
)

// openPage begins a good answer, up to its rows.
func (s *Sim) openPage(dst []byte, p page) []byte {
	pages := (p.count + p.size - 1) / p.size
	if p.count == 0 && s.opt.EmptyIsOnePage {
		pages = 1
	}
	dst = append(dst, `{"code":0,"message":"success","data":{"totalCount":`...)
	dst = strconv.AppendInt(dst, p.count, 10)
	dst = append(dst, `,"totalPage":`...)
	dst = strconv.AppendInt(dst, pages, 10)
	dst = append(dst, `,"pageNo":`...)
	dst = strconv.AppendInt(dst, p.no, 10)
	dst = append(dst, `,"pageSize":`...)
	dst = strconv.AppendInt(dst, p.size, 10)
	return append(dst, `,"result":[`...)
}

// appendText appends ,"name":"text"; the first member of an object has its own.
func appendText(dst []byte, name, text string) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return rawjson.AppendString(dst, text)
}

// appendNumber appends ,"name":17.
func appendNumber(dst []byte, name string, n int64) []byte {
	dst = append(dst, `,"`...)
	dst = append(dst, name...)
	dst = append(dst, `":`...)
	return strconv.AppendInt(dst, n, 10)
}

// appendGroup appends a row with the members in the order of the sample.
func (s *Sim) appendGroup(dst []byte, g *Group) []byte {
	if g.quirks&quirkOtherIDs != 0 {
		dst = append(dst, `{"salesId":`...)
		dst = strconv.AppendInt(dst, g.SalesID, 10)
	} else {
		dst = append(dst, `{"salesId":"`...)
		dst = append(strconv.AppendInt(dst, g.SalesID, 10), '"')
	}
	dst = appendText(dst, "salesName", g.SalesName)
	dst = appendText(dst, "departmentName", g.DepartmentName)
	dst = appendText(dst, "chatId", g.ChatID)
	dst = appendText(dst, "chatName", g.ChatName)
	dst = append(dst, `,"tasks":`...)
	dst = appendTasks(dst, g)
	dst = append(dst, `,"calendars":`...)
	dst = s.appendCalendars(dst, g)
	dst = append(dst, `,"tagGroupNames":`...)
	dst = s.appendTags(dst, g)
	dst = appendText(dst, "createTimeGroup", g.CreatedAt.Format(timeLayout))
	if g.quirks&quirkUnknown != 0 {
		dst = append(dst, `,"memberCount":17,"groupFlags":{"muted":false,"labels":["a",1,null]}`...)
	}
	return append(dst, '}')
}

// appendEmpty appends an array without elements, which a quirky row leaves null.
func appendEmpty(dst []byte, q quirks) []byte {
	if q&quirkNull != 0 {
		return append(dst, "null"...)
	}
	return append(dst, "[]"...)
}

func appendTasks(dst []byte, g *Group) []byte {
	if len(g.Tasks) == 0 {
		return appendEmpty(dst, g.quirks)
	}
	for i := range g.Tasks {
		dst = append(dst, "[,"[min(i, 1)])
		dst = appendTask(dst, &g.Tasks[i], g.quirks)
	}
	return append(dst, ']')
}

// taskLayout is that of a task's startTime.
const taskLayout = "2006-01-02 15:04"

func appendTask(dst []byte, t *Task, q quirks) []byte {
	dst = append(dst, `{"id":`...)
	dst = rawjson.AppendString(dst, t.ID)
	dst = appendText(dst, "sopInfoId", t.SopInfoID)
	dst = appendText(dst, "title", t.Title)
	dst = appendText(dst, "chatId", t.ChatID)
	dst = appendText(dst, "chatName", t.ChatName)
	dst = append(dst, `,"owner":null,"ownerName":null`...)
	dst = appendNumber(dst, "sendStatus", t.SendStatus)
	if q&quirkOtherIDs != 0 {
		dst = appendText(dst, "creatorId", strconv.FormatInt(t.CreatorID, 10))
	} else {
		dst = appendNumber(dst, "creatorId", t.CreatorID)
	}
	dst = appendNumber(dst, "mode", t.Mode)
	dst = appendText(dst, "startTime", t.StartTime.Format(taskLayout))
	dst = append(dst, `,"ownerId":null,"sendStatusDetail":null,"startTimeExport":null,"qwSalesId":null`...)
	if q&quirkUnknown != 0 {
		dst = append(dst, `,"remindAt":null,"channel":{"id":7}`...)
	}
	return append(dst, '}')
}

// appendElement appends one element of an array whose shape nobody knows.
func appendElement(dst []byte, i int, asObject bool, id int64, name string) []byte {
	dst = append(dst, "[,"[min(i, 1)])
	if !asObject {
		return rawjson.AppendString(dst, name)
	}
	dst = append(dst, `{"id":`...)
	dst = strconv.AppendInt(dst, id, 10)
	return append(appendText(dst, "name", name), '}')
}

func (s *Sim) appendTags(dst []byte, g *Group) []byte {
	if len(g.Tags) == 0 || s.opt.Tags == ElementsNone {
		return appendEmpty(dst, g.quirks)
	}
	for i, tag := range g.Tags {
		dst = appendElement(dst, i, s.opt.Tags == ElementsObjects, tag.ID, tag.Name)
	}
	return append(dst, ']')
}

func (s *Sim) appendCalendars(dst []byte, g *Group) []byte {
	if len(g.Calendars) == 0 || s.opt.Calendars == ElementsNone {
		return appendEmpty(dst, g.quirks)
	}
	for i, c := range g.Calendars {
		dst = appendElement(dst, i, s.opt.Calendars != ElementsStrings, c.ID, c.Name)
	}
	return append(dst, ']')
}

// appendEmployee appends a row of get-users. All but salesId is made up.
func appendEmployee(dst []byte, e Employee) []byte {
	dst = append(dst, `{"salesId":"`...)
	dst = append(strconv.AppendInt(dst, e.ID, 10), '"')
	dst = appendText(dst, "name", e.Name)
	dst = appendText(dst, "departmentName", e.DepartmentName)
	deleted := int64(0)
	if e.Deleted {
		deleted = 1
	}
	return append(appendNumber(dst, "deleted", deleted), '}')
}

// quirks are the odd shapes of one row. Without [Options.Odd] there are none.
type quirks uint8

const (
	quirkOtherIDs quirks = 1 << iota // salesId is a number, creatorId a string
	quirkUnknown                     // members that no document knows
	quirkNull                        // null for an empty array
)

// drawQuirks gives every eighth row some.
func (t *tenant) drawQuirks(group uint64) quirks {
	x := t.bits(drawOdd, group, 0)
	if !t.odd || x%8 != 0 {
		return 0
	}
	return quirks(x>>8) & (quirkOtherIDs | quirkUnknown | quirkNull)
}
