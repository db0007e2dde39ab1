package vendorsim

import (
	"bytes"
	"maps"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// object is a JSON object whose values are kept byte for byte.
type object map[string]jsontext.Value

var anyBytes = json.JoinOptions(jsontext.AllowInvalidUTF8(true), jsontext.AllowDuplicateNames(true))

func parseObject(text []byte) (object, bool) {
	var o object
	err := json.Unmarshal(text, &o, anyBytes)
	return o, err == nil && o != nil
}

func (o object) text() []byte {
	out := []byte{'{'}
	for i, name := range slices.Sorted(maps.Keys(o)) {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(appendString(out, name), ':')
		out = append(out, o[name]...)
	}
	return append(out, '}')
}

// list returns the elements of a member that is an array.
func (o object) list(name string) ([]jsontext.Value, bool) {
	var rows []jsontext.Value
	err := json.Unmarshal(o[name], &rows, anyBytes)
	return rows, err == nil && rows != nil
}

func (o object) setList(name string, rows []jsontext.Value) {
	out := []byte{'['}
	for i, row := range rows {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(out, row...)
	}
	o[name] = append(out, ']')
}

// editObject changes an answer that is good; others have nothing to change.
func editObject(change func(object)) func(*Answer) {
	return func(a *Answer) {
		o, ok := parseObject(a.Body)
		if !ok || string(o["errcode"]) != "0" {
			return
		}
		change(o)
		a.Body = o.text()
	}
}

func editBytes(change func([]byte) []byte) func() strike {
	return func() strike {
		return func(_ *Sim, _ *call, v *Verdict) { v.edit(func(a *Answer) { a.Body = change(a.Body) }) }
	}
}

// editEach changes the rows of a good answer, and the object they stand in.
func editEach(change func(in object, rows []jsontext.Value) []jsontext.Value) func() strike {
	return func() strike {
		return func(_ *Sim, _ *call, v *Verdict) {
			v.edit(editObject(func(o object) {
				if chat, ok := parseObject(o["group_chat"]); ok {
					changeRows(chat, "member_list", change)
					o["group_chat"] = chat.text()
				}
				changeRows(o, "group_chat_list", change)
				changeRows(o, "follow_user", change)
			}))
		}
	}
}

func changeRows(o object, name string, change func(object, []jsontext.Value) []jsontext.Value) {
	if rows, ok := o.list(name); ok {
		o.setList(name, change(o, rows))
	}
}

func emptied(in object, _ []jsontext.Value) []jsontext.Value {
	delete(in, "next_cursor")
	return nil
}

func doubled(_ object, rows []jsontext.Value) []jsontext.Value {
	twice := make([]jsontext.Value, 0, 2*len(rows))
	for _, row := range rows {
		twice = append(twice, row, row)
	}
	return twice
}

func ownerless(in object, rows []jsontext.Value) []jsontext.Value {
	return slices.DeleteFunc(rows, func(row jsontext.Value) bool {
		m, _ := parseObject(row)
		return in["owner"] != nil && bytes.Equal(m["userid"], in["owner"])
	})
}

// renamed makes the answer one about the next chat.
func (s *Sim) renamed(o object) {
	chat, ok := parseObject(o["group_chat"])
	if !ok {
		return
	}
	var id string
	_ = json.Unmarshal(chat["chat_id"], &id) // "" is no chat's id
	n, _ := s.tenant.chatNumber(id)
	chat["chat_id"] = appendString(nil, s.tenant.chatID(n+1))
	o["group_chat"] = chat.text()
}

func makeUnreadable(p *faultParams) func() strike {
	as := p.choice("as", "stranger: one more element of another kind; nameless: one more without an id; "+
		"lost: a row whose id is gone; kept: a row with its id, of which something else is gone",
		"stranger", "nameless", "lost", "kept")
	at := p.count("row", 0, 0, math.MaxInt32, "which row of the list it is, from 0")
	return editEach(func(_ object, rows []jsontext.Value) []jsontext.Value {
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

// spoiled makes an id, or what else has to be read, an object. An id alone can
// only be lost.
func spoiled(row jsontext.Value, lost bool) jsontext.Value {
	unreadable := jsontext.Value(`{"unexpected":true}`)
	o, ok := parseObject(row)
	switch {
	case !ok:
		return unreadable
	case lost && o["chat_id"] != nil:
		o["chat_id"] = unreadable
	case lost:
		o["userid"] = unreadable
	case o["chat_id"] != nil:
		o["status"] = unreadable
	default:
		o["join_time"] = unreadable
	}
	return o.text()
}

// listBend changes how the chat list is cut into pages.
type listBend struct {
	// stretch multiplies the page size; 0 leaves it.
	stretch int
	// shift moves the first chat of a page that continues a list.
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
	from.born = now.Add(-time.Duration(n) * time.Second)
	body := []byte(`{"errcode":0,"errmsg":"ok","group_chat_list":[],"next_cursor":`)
	return append(appendString(body, s.tenant.seal(from)), '}')
}

func makeEmptyPages(*faultParams) func() strike {
	return func() strike {
		n := 0
		return func(_ *Sim, c *call, _ *Verdict) {
			n++
			c.list.hollow = n
		}
	}
}

// makeRepeatedCursor remembers for each listing the cursors it was asked with.
func makeRepeatedCursor(p *faultParams) func() strike {
	const backMax = 100
	back := p.count("back", 1, 1, backMax, "how many pages: 1 leads to the page itself, 2 to the one before")
	return func() strike {
		var mu sync.Mutex
		asked := map[uint64][]string{}
		return func(_ *Sim, c *call, v *Verdict) {
			var r listRequest
			if decode(c.request.Body, &r).code != codeOK || r.Limit == nil {
				return
			}
			mu.Lock()
			defer mu.Unlock()
			key := r.fingerprint()
			asked[key] = append(asked[key], r.Cursor)
			list := asked[key]
			if len(list) > backMax {
				list = list[1:]
				asked[key] = list
			}
			if len(list) < back || list[len(list)-back] == "" {
				return
			}
			again := list[len(list)-back]
			v.edit(editObject(func(o object) { o["next_cursor"] = appendString(nil, again) }))
		}
	}
}
