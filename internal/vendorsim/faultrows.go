package vendorsim

import (
	"bytes"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/vendorsim/rawjson"
)

// editObject changes an answer that is good; others have nothing to change.
func editObject(change func(rawjson.Object)) func(*Answer) {
	return func(a *Answer) {
		o, ok := rawjson.Parse(a.Body)
		if !ok || string(o["errcode"]) != "0" {
			return
		}
		change(o)
		a.Body = o.Text()
	}
}

// editEach changes the rows of a good answer, and the object they stand in.
func editEach(change func(in rawjson.Object, rows []jsontext.Value) []jsontext.Value) func() strike {
	return func() strike {
		return func(_ *call, v *Verdict) {
			v.AddEdit(editObject(func(o rawjson.Object) {
				changeRowsOf(o, "group_chat", "member_list", change)
				changeRowsOf(o, "join_way", "chat_id_list", change)
				for _, list := range []string{"group_chat_list", "follow_user", "items", "group_msg_list", "task_list", "send_list"} {
					changeRows(o, list, change)
				}
			}))
		}
	}
}

// changeRowsOf changes the rows of an object within the answer.
func changeRowsOf(o rawjson.Object, name, list string, change func(rawjson.Object, []jsontext.Value) []jsontext.Value) {
	if inner, ok := rawjson.Parse(o[name]); ok {
		changeRows(inner, list, change)
		o[name] = inner.Text()
	}
}

func changeRows(o rawjson.Object, name string, change func(rawjson.Object, []jsontext.Value) []jsontext.Value) {
	if rows, ok := o.List(name); ok {
		o.SetList(name, change(o, rows))
	}
}

func emptied(in rawjson.Object, _ []jsontext.Value) []jsontext.Value {
	delete(in, "next_cursor")
	return nil
}

func doubled(_ rawjson.Object, rows []jsontext.Value) []jsontext.Value {
	twice := make([]jsontext.Value, 0, 2*len(rows))
	for _, row := range rows {
		twice = append(twice, row, row)
	}
	return twice
}

func ownerless(in rawjson.Object, rows []jsontext.Value) []jsontext.Value {
	return slices.DeleteFunc(rows, func(row jsontext.Value) bool {
		m, _ := rawjson.Parse(row)
		return in["owner"] != nil && bytes.Equal(m["userid"], in["owner"])
	})
}

// renamed makes the answer one about the next chat.
func (s *Sim) renamed(o rawjson.Object) {
	chat, ok := rawjson.Parse(o["group_chat"])
	if !ok {
		return
	}
	var id string
	_ = json.Unmarshal(chat["chat_id"], &id) // "" is no chat's id
	n, _ := s.tenant.chatNumber(id)
	chat["chat_id"] = appendString(nil, s.tenant.chatID(n+1))
	o["group_chat"] = chat.Text()
}

func makeUnreadable(p *faultParams) func() strike {
	as := p.Choice("as", "stranger: one more element of another kind; nameless: one more without an id; "+
		"lost: a row whose id is gone; kept: a row with its id, of which something else is gone",
		"stranger", "nameless", "lost", "kept")
	at := p.Count("row", 0, 0, math.MaxInt32, "which row of the list it is, from 0")
	return editEach(func(_ rawjson.Object, rows []jsontext.Value) []jsontext.Value {
		switch as {
		case "stranger":
			return slices.Insert(rows, min(at, len(rows)), jsontext.Value("[17]"))
		case "nameless":
			return slices.Insert(rows, min(at, len(rows)), jsontext.Value(`{"status":0,"type":2,"join_time":1700000000}`))
		}
		if at < len(rows) {
			rows[at] = spoiled(rows[at], as == "lost")
		}
		return rows
	})
}

// What a row is known by and what else has to be read of it: the first of each that
// it has.
var (
	rowIDs   = []string{"msgid", "chat_id", "external_userid", "owner", "stat_time", "userid"}
	rowFacts = []string{"status", "create_time", "join_time", "data"}
)

// spoiled makes an id, or what else has to be read, an object. An id alone can
// only be lost.
func spoiled(row jsontext.Value, lost bool) jsontext.Value {
	unreadable := jsontext.Value(`{"unexpected":true}`)
	o, ok := rawjson.Parse(row)
	if !ok {
		return unreadable
	}
	names := rowFacts
	if lost {
		names = rowIDs
	}
	if i := slices.IndexFunc(names, func(name string) bool { return o[name] != nil }); i >= 0 {
		o[names[i]] = unreadable
	}
	return o.Text()
}

// listBend changes how a list is cut into pages.
type listBend struct {
	// stretch multiplies the page size; 0 leaves it.
	stretch int
	// shift moves the first row of a page that continues a list; of chats those that
	// are not asked for count as rows.
	shift int
	// hollow, if not 0, makes the page empty with a cursor to the same place,
	// which differs from those of other values.
	hollow int
}

// apply bends a page that begins at from and reports the page size.
func (b listBend) apply(from *cursor, limit int64, continues bool) int64 {
	if continues && b.shift != 0 {
		from.next = uint64(max(int64(from.next)+int64(b.shift), 0))
	}
	return limit * int64(max(b.stretch, 1))
}

func (s *Sim) hollowPage(from cursor, n int, now time.Time) []byte {
	return append([]byte(`{"errcode":0,"errmsg":"ok","group_chat_list":[]`+nextCursor(s.hollowCursor(from, n, now))), '}')
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

// makeRepeatedCursor remembers for each listing the cursors it was asked with.
func makeRepeatedCursor(p *faultParams) func() strike {
	const backMax = 100
	back := p.Count("back", 1, 1, backMax, "how many pages: 1 leads to the page itself, 2 to the one before")
	return func() strike {
		var mu sync.Mutex
		asked := map[string][]string{}
		return func(c *call, v *Verdict) {
			listing, cursor, ok := listingOf(c)
			if !ok {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			asked[listing] = append(asked[listing], cursor)
			list := asked[listing]
			if len(list) > backMax {
				list = list[1:]
				asked[listing] = list
			}
			if len(list) < back || list[len(list)-back] == "" {
				return
			}
			again := list[len(list)-back]
			v.AddEdit(editObject(func(o rawjson.Object) { o["next_cursor"] = appendString(nil, again) }))
		}
	}
}

// listingOf is what pages of one listing have in common, and the cursor of this one.
func listingOf(c *call) (listing, cursor string, ok bool) {
	o, ok := rawjson.Parse(c.request.Body)
	if !ok || o["cursor"] != nil && json.Unmarshal(o["cursor"], &cursor) != nil {
		return "", "", false
	}
	delete(o, "cursor")
	return c.request.Endpoint + string(o.Text()), cursor, true
}
