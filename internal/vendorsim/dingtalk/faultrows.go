package dingtalk

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/vendorsim/dice"
	"syncd/internal/vendorsim/fault"
	"syncd/internal/vendorsim/rawjson"
)

// listBend changes how a list is cut into pages.
type listBend struct {
	// stretch multiplies the page size; 0 leaves it.
	stretch int
	// shift moves the first row of a page that continues a list.
	shift int
	// hollow, if not 0, makes the page empty with a cursor to the same place, which
	// differs from those of other values.
	hollow int
	// unlisted, if not nil, are groups that a list leaves out as if they were not
	// there.
	unlisted func(chat uint64) bool
}

// rowLists are the members of answers that hold rows.
var rowLists = []string{"resultList", "result", "readUserIds"}

// editRows changes the rows of a good answer.
func editRows(change func([]jsontext.Value) []jsontext.Value) func() strike {
	return edit(func(o rawjson.Object) {
		for _, name := range rowLists {
			if rows, ok := o.List(name); ok {
				o.SetList(name, change(rows))
			}
		}
	})
}

func emptied(o rawjson.Object) {
	for _, name := range rowLists {
		if o[name] != nil {
			o.SetList(name, nil)
		}
	}
	o["hasMore"] = jsontext.Value("false")
	delete(o, "nextToken")
}

func listless(o rawjson.Object) {
	for _, name := range rowLists {
		delete(o, name)
	}
}

func loseCursor(o rawjson.Object, absent bool) {
	o["hasMore"] = jsontext.Value("true")
	o["nextToken"] = jsontext.Value(`""`)
	if absent {
		delete(o, "nextToken")
	}
}

// addTo adds to a member that is a number, quoted or not.
func addTo(o rawjson.Object, name string, by int) {
	if n, err := strconv.Atoi(strings.Trim(string(o[name]), `"`)); err == nil {
		o[name] = jsontext.Value(strconv.Itoa(n + by))
	}
}

func doubled(rows []jsontext.Value) []jsontext.Value {
	twice := make([]jsontext.Value, 0, 2*len(rows))
	for _, row := range rows {
		twice = append(twice, row, row)
	}
	return twice
}

func makeUnreadable(p *faultParams) func() strike {
	as := p.Choice("as", "stranger: one more element of another kind; nameless: one more without an id; "+
		"lost: a row whose id is gone; kept: a row with its id, of which something else is gone",
		"stranger", "nameless", "lost", "kept")
	at := p.Count("row", 0, 0, math.MaxInt32, "which row of the list it is, from 0")
	return editRows(func(rows []jsontext.Value) []jsontext.Value {
		switch as {
		case "stranger":
			return slices.Insert(rows, min(at, len(rows)), jsontext.Value("[17]"))
		case "nameless":
			return slices.Insert(rows, min(at, len(rows)), jsontext.Value(`{"name":"X","memberCount":3,"gmtCreate":1640239655539}`))
		}
		if at < len(rows) {
			rows[at] = spoiled(rows[at], as == "lost")
		}
		return rows
	})
}

// spoiled makes an id, or what else has to be read, an object. An id alone can
// only be lost.
func spoiled(row jsontext.Value, lost bool) jsontext.Value {
	unreadable := jsontext.Value(`{"unexpected":true}`)
	o, ok := rawjson.Parse(row)
	if !ok {
		return unreadable
	}
	chat := o["openConversationId"] != nil
	switch {
	case lost && chat:
		o["openConversationId"] = unreadable
	case lost:
		o["openGroupSetId"] = unreadable
	default:
		o["memberCount"] = unreadable
	}
	return o.Text()
}

// renamed makes the answer one about the next group.
func (s *Sim) renamed(o rawjson.Object) {
	var id string
	_ = json.Unmarshal(o["openConversationId"], &id) // "" is no group's id
	n, _ := s.tenant.chatNumber(id)
	o["openConversationId"] = rawjson.AppendString(nil, s.tenant.chatID(n+1))
}

// makeUnlisted leaves the same groups out of every list, so that pages, cursors and
// totalCount agree that they are not there. Whoever reads one directly finds it.
func makeUnlisted(p *faultParams) func() strike {
	share := p.Count("share", 30, 0, 100, "how many of 100 groups")
	one := p.Text("group", "", "this one instead: its id, or # and its number")
	return fault.Always(func(c *call, _ *Verdict) {
		t := c.sim.tenant
		c.list.unlisted = func(n uint64) bool {
			if one != "" {
				return t.chatID(n) == named(one, t.chatID)
			}
			return dice.Percent(t.bits(drawUnlisted, n, 0), uint64(share))
		}
	})
}

func makeEmptyPages(*faultParams) func() strike {
	return func() strike {
		n := 0
		return func(c *call, _ *Verdict) {
			n++
			c.list.hollow = n
		}
	}
}

// makeRepeatedCursor remembers for each list the cursors it was asked with.
func makeRepeatedCursor(p *faultParams) func() strike {
	const backMax = 100
	back := p.Count("back", 1, 1, backMax, "how many pages: 1 leads to the page itself, 2 to the one before")
	return func() strike {
		var mu sync.Mutex
		sent := map[string][]string{}
		return func(c *call, v *Verdict) {
			a := askedBy(c.request)
			key := c.request.Endpoint + a.query.Get("relationType") + a.query.Get("queryDsl") + a.body.Key
			mu.Lock()
			defer mu.Unlock()
			list := append(sent[key], a.token())
			list = list[max(len(list)-backMax, 0):]
			sent[key] = list
			if len(list) < back || list[len(list)-back] == "" {
				return
			}
			again := list[len(list)-back]
			v.AddEdit(editObject(func(o rawjson.Object) {
				o["hasMore"] = jsontext.Value("true")
				o["nextToken"] = rawjson.AppendString(nil, again)
			}))
		}
	}
}
