package scrm

import (
	"math"
	"slices"
	"strconv"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/rawjson"
	"syncd/internal/vendorsim/serve"
)

// editAnswer changes an answer that is good; others have nothing to change.
func editAnswer(change func(rawjson.Object)) func() fault.Strike[*call] {
	edit := func(a *serve.Answer) {
		o, ok := rawjson.Parse(a.Body)
		if !ok || string(o["code"]) != "0" {
			return
		}
		change(o)
		a.Body = o.Text()
	}
	return fault.Always(func(_ *call, v *serve.Verdict) { v.AddEdit(edit) })
}

// editRows changes the rows of a good answer.
func editRows(change func([]jsontext.Value) []jsontext.Value) func() fault.Strike[*call] {
	return editAnswer(func(o rawjson.Object) {
		data, ok := rawjson.Parse(o["data"])
		if !ok {
			return
		}
		if rows, ok := data.List("result"); ok {
			data.SetList("result", change(rows))
			o["data"] = data.Text()
		}
	})
}

// editEachRow changes the members of every row.
func editEachRow(change func(row rawjson.Object)) func() fault.Strike[*call] {
	return editRows(func(rows []jsontext.Value) []jsontext.Value {
		for i, row := range rows {
			if o, ok := rawjson.Parse(row); ok {
				change(o)
				rows[i] = o.Text()
			}
		}
		return rows
	})
}

// editEachTask changes the members of every task of a row.
func editEachTask(row rawjson.Object, change func(task rawjson.Object)) {
	tasks, _ := row.List("tasks")
	if len(tasks) == 0 {
		return
	}
	for i, task := range tasks {
		if o, ok := rawjson.Parse(task); ok {
			change(o)
			tasks[i] = o.Text()
		}
	}
	row.SetList("tasks", tasks)
}

var rowFaults = []fault.Kind[*call]{
	{Name: "no-data", Does: "code 0 beside data that is null, or not there", On: everywhere, Make: makeNoData},
	{
		Name: "no-rows", Does: "result is empty, null or not there, beside totals that are not", On: groupsOnly, Make: makeNoRows,
	},
	{
		Name: "rows-doubled", Does: "every row comes twice", On: groupsOnly,
		Make: func(*fault.Params) func() fault.Strike[*call] {
			return editRows(func(rows []jsontext.Value) []jsontext.Value {
				twice := make([]jsontext.Value, 0, 2*len(rows))
				for _, row := range rows {
					twice = append(twice, row, row)
				}
				return twice
			})
		},
	},
	{
		Name: "other-ids", Does: "salesId is a number, creatorId a string", On: everywhere,
		Make: func(*fault.Params) func() fault.Strike[*call] {
			return editEachRow(func(row rawjson.Object) {
				swapID(row, "salesId")
				editEachTask(row, func(task rawjson.Object) { swapID(task, "creatorId") })
			})
		},
	},
	{
		Name: "null-arrays", Does: "tasks, calendars and tagGroupNames are null, or not there", On: groupsOnly, Make: makeNullArrays,
	},
	{
		Name: "unknown-fields", Does: "every object has fields that no document knows", On: everywhere,
		Make: func(*fault.Params) func() fault.Strike[*call] { return fault.EditBody[*call](rawjson.AddFields) },
	},
	{
		Name: "quoted-numbers", Does: "every number is a string", On: everywhere,
		Make: func(*fault.Params) func() fault.Strike[*call] { return fault.EditBody[*call](rawjson.QuoteNumbers) },
	},
	{Name: "unreadable", Does: "a row cannot be read, or not all of it", On: groupsOnly, Make: makeUnreadable},
	{Name: "unreadable-task", Does: "a task cannot be read, or not all of it", On: groupsOnly, Make: makeUnreadableTask},
	{
		Name: "bad-text", Does: "names and titles hold what PostgreSQL does not take", On: groupsOnly,
		Make: func(p *fault.Params) func() fault.Strike[*call] {
			text := fault.BadText(p)
			return fault.EditBody[*call](func(body []byte) []byte {
				return fault.BeginWith(body, text, "chatName", "salesName", "departmentName", "title")
			})
		},
	},
}

// swapID makes a string of an id that is a number, and the other way round.
func swapID(o rawjson.Object, name string) {
	id := o[name]
	if id.Kind() == '0' {
		o[name] = rawjson.AppendString(nil, string(id))
		return
	}
	var text string
	if json.Unmarshal(id, &text) != nil {
		return
	}
	if _, err := strconv.ParseInt(text, 10, 64); err == nil {
		o[name] = jsontext.Value(text)
	}
}

// gone makes a member null, or takes it out.
func gone(o rawjson.Object, name, as string) {
	if as == "absent" {
		delete(o, name)
		return
	}
	o[name] = jsontext.Value("null")
}

func makeNoData(p *fault.Params) func() fault.Strike[*call] {
	as := p.Choice("as", "which of them", "null", "absent")
	return editAnswer(func(o rawjson.Object) { gone(o, "data", as) })
}

func makeNoRows(p *fault.Params) func() fault.Strike[*call] {
	as := p.Choice("as", "which of them", "empty", "null", "absent")
	return editAnswer(func(o rawjson.Object) {
		data, ok := rawjson.Parse(o["data"])
		switch {
		case !ok:
			return
		case as == "empty":
			data.SetList("result", nil)
		default:
			gone(data, "result", as)
		}
		o["data"] = data.Text()
	})
}

func makeNullArrays(p *fault.Params) func() fault.Strike[*call] {
	as := p.Choice("as", "which of them", "null", "absent")
	return editEachRow(func(row rawjson.Object) {
		for _, name := range []string{"tasks", "calendars", "tagGroupNames"} {
			gone(row, name, as)
		}
	})
}

// unreadableWays are those in which a row or a task cannot be read.
const unreadableWays = "stranger: one more element of another kind; nameless: one more without an id; " +
	"lost: one whose id is gone; kept: one with its id, of which something else is gone"

func makeUnreadable(p *fault.Params) func() fault.Strike[*call] {
	as := p.Choice("as", unreadableWays, "stranger", "nameless", "lost", "kept")
	at := p.Count("row", 0, 0, math.MaxInt32, "which row of the page it is, from 0")
	return editRows(func(rows []jsontext.Value) []jsontext.Value {
		return spoil(rows, as, at, `{"chatName":"无编号","salesId":"1","tasks":[]}`, "chatId", "createTimeGroup")
	})
}

func makeUnreadableTask(p *fault.Params) func() fault.Strike[*call] {
	as := p.Choice("as", unreadableWays, "stranger", "nameless", "lost", "kept")
	at := p.Count("task", 0, 0, math.MaxInt32, "which task of every row that has some, from 0")
	return editEachRow(func(row rawjson.Object) {
		if tasks, _ := row.List("tasks"); len(tasks) > 0 {
			row.SetList("tasks", spoil(tasks, as, at, `{"title":"无编号","sendStatus":1,"mode":1}`, "id", "startTime"))
		}
	})
}

// spoil makes one element unreadable, or adds one: its id, or what else has to be
// read, becomes an object.
func spoil(list []jsontext.Value, as string, at int, nameless, id, other string) []jsontext.Value {
	switch as {
	case "stranger":
		return slices.Insert(list, min(at, len(list)), jsontext.Value("[17]"))
	case "nameless":
		return slices.Insert(list, min(at, len(list)), jsontext.Value(nameless))
	case "lost":
		other = id
	}
	if at < len(list) {
		if o, ok := rawjson.Parse(list[at]); ok {
			o[other] = jsontext.Value(`{"unexpected":true}`)
			list[at] = o.Text()
		}
	}
	return list
}
