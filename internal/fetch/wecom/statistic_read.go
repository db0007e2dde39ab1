package wecom

import (
	"encoding/json"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"syncd/internal/fetch/lenient"
	"syncd/internal/model"
)

// ownersCounted is the answer of groupchat/statistic (vendor doc 92133).
type ownersCounted struct {
	envelope
	Items      lenient.Elements[ownerCounted] `json:"items"`
	Total      lenient.Int                    `json:"total"`
	NextOffset lenient.Int                    `json:"next_offset"`
}

type ownerCounted struct {
	Owner lenient.Text                   `json:"owner,case:strict"`
	Data  lenient.Object[figuresCounted] `json:"data"`
	Extra jsontext.Value                 `json:",embed"`
}

// daysCounted is the answer of groupchat/statistic_group_by_day.
type daysCounted struct {
	envelope
	Items lenient.Elements[dayCounted] `json:"items"`
}

type dayCounted struct {
	StatTime lenient.Int                    `json:"stat_time,case:strict"`
	Data     lenient.Object[figuresCounted] `json:"data"`
	Extra    jsontext.Value                 `json:",embed"`
}

type figuresCounted struct {
	NewChats            lenient.Int    `json:"new_chat_cnt"`
	ChatTotal           lenient.Int    `json:"chat_total"`
	ChatsWithMessages   lenient.Int    `json:"chat_has_msg"`
	NewMembers          lenient.Int    `json:"new_member_cnt"`
	MemberTotal         lenient.Int    `json:"member_total"`
	MembersWithMessages lenient.Int    `json:"member_has_msg"`
	Messages            lenient.Int    `json:"msg_total"`
	MigratedChats       lenient.Int    `json:"migrate_trainee_chat_cnt"`
	Extra               jsontext.Value `json:",embed"`
}

// readByOwner reads rows that are one owner's each.
func (c *Client) readByOwner(body []byte, q statQuestion) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[ownersCounted](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	if bad := needArray("items", answer.Items.Set); bad != nil {
		return out, model.Page{}, bad
	}
	var page model.Page
	items := answer.Items.Items
	rows := newStatRows[string, model.OwnerStat](len(items))
	for i := range items {
		e := &items[i]
		owner, why := q.ownerOf(e)
		if why != "" {
			page.Rejects = append(page.Rejects, c.reject("stat", owner, "", why, e.Raw(text)))
			continue
		}
		row := model.OwnerStat{OwnerID: owner, Day: q.To}
		row.Figures, row.Extra = e.Value.Data.Value.translate(e.Value.Extra, spelling(e.Value.Owner.Value, owner))
		if before := rows.put(owner, row, e.Raw(text)); before != nil {
			page.Rejects = append(page.Rejects, c.reject("stat", owner, "", "another row of this owner follows", before))
		}
	}
	if q.stream == streamPeriodStats {
		page.PeriodStats = make([]model.PeriodStat, 0, len(rows.rows))
		for _, r := range rows.rows {
			page.PeriodStats = append(page.PeriodStats, model.PeriodStat{
				OwnerID: r.OwnerID, From: q.From, To: q.To, Figures: r.Figures, Extra: r.Extra,
			})
		}
	} else {
		page.OwnerStats = rows.rows
	}
	if answer.Total.Set && answer.Total.Value >= 0 {
		page.Total = answer.Total.Ptr()
	}
	page.Next = nextOffset(q.offset, len(items), answer.Total, answer.NextOffset)
	page.Last = page.Next == ""
	return out, page, nil
}

// readByDay reads rows that are one day's each.
func (c *Client) readByDay(body []byte, q statQuestion) (outcome, model.Page, error) {
	answer, text, err := lenient.Decode[daysCounted](body)
	if err != nil {
		return outcome{}, model.Page{}, err
	}
	out, err := answer.outcome()
	if err != nil || out.code != 0 {
		return out, model.Page{}, err
	}
	if bad := needArray("items", answer.Items.Set); bad != nil {
		return out, model.Page{}, bad
	}
	page := model.Page{Last: true}
	owner := ""
	if q.stream == streamOwnerStats {
		owner = q.Owners[0]
	}
	items := answer.Items.Items
	rows := newStatRows[model.Day, model.DayStat](len(items))
	for i := range items {
		e := &items[i]
		day, id, why := c.dayOf(e, q)
		if why != "" {
			page.Rejects = append(page.Rejects, c.reject("stat", id, owner, why, e.Raw(text)))
			continue
		}
		row := model.DayStat{Day: day}
		row.Figures, row.Extra = e.Value.Data.Value.translate(e.Value.Extra, nil)
		if before := rows.put(day, row, e.Raw(text)); before != nil {
			page.Rejects = append(page.Rejects, c.reject("stat", id, owner, "another row of this day follows", before))
		}
	}
	if q.stream != streamOwnerStats {
		page.DayStats = rows.rows
		return out, page, nil
	}
	page.OwnerStats = make([]model.OwnerStat, 0, len(rows.rows))
	for _, r := range rows.rows {
		page.OwnerStats = append(page.OwnerStats, model.OwnerStat{OwnerID: owner, Day: r.Day, Figures: r.Figures, Extra: r.Extra})
	}
	return out, page, nil
}

// ownerOf returns the owner of an element as it was asked for, and why the element
// cannot become a row, or "". The vendor holds two ids for one that differ in case
// only (vendor doc 90195), so an answer may spell an owner in another way.
func (q statQuestion) ownerOf(e *lenient.Element[ownerCounted]) (owner, why string) {
	owner = e.Value.Owner.Value
	switch {
	case e.Bad:
		return "", "no object"
	case !lenient.IsID(owner):
		return "", "no readable owner"
	case !slices.Contains(q.Owners, owner):
		same := slices.IndexFunc(q.Owners, func(asked string) bool { return strings.EqualFold(asked, owner) })
		if same < 0 {
			return owner, "this owner was not asked for"
		}
		owner = q.Owners[same]
	}
	return owner, unusable(&e.Value.Data)
}

// spelling returns what the vendor wrote for an owner where it is not what was
// asked for.
func spelling(written, asked string) jsontext.Value {
	if written == asked {
		return nil
	}
	return lenient.Quoted(written)
}

// dayOf returns the day of an element, as text too where it can be read, or why
// the element cannot become a row. Any second of a day stands for it.
func (c *Client) dayOf(e *lenient.Element[dayCounted], q statQuestion) (day model.Day, id, why string) {
	if e.Bad {
		return day, "", "no object"
	}
	at, bad := instant(e.Value.StatTime)
	if bad != nil || at.IsZero() {
		return day, "", "no readable stat_time"
	}
	day = model.DayOf(at, c.zone)
	if day.Compare(q.From) < 0 || day.Compare(q.To) > 0 {
		return day, day.String(), "this day was not asked for"
	}
	return day, day.String(), unusable(&e.Value.Data)
}

// unusable says why figures make no row, or "". Of some that cannot be read the
// others are kept; without any the row would say that the vendor had told
// something.
func unusable(data *lenient.Object[figuresCounted]) string {
	if !data.Set {
		return "no object data"
	}
	for _, n := range data.Value.all() {
		if n.Set {
			return ""
		}
	}
	return "no readable figure"
}

// all are the figures in the order of [model.Figures.All].
func (w *figuresCounted) all() [8]*lenient.Int {
	return [...]*lenient.Int{
		&w.NewChats, &w.ChatTotal, &w.ChatsWithMessages, &w.NewMembers,
		&w.MemberTotal, &w.MembersWithMessages, &w.Messages, &w.MigratedChats,
	}
}

var figureNames = [...]string{
	"new_chat_cnt", "chat_total", "chat_has_msg", "new_member_cnt",
	"member_total", "member_has_msg", "msg_total", "migrate_trainee_chat_cnt",
}

// translate makes figures of the object, and an extra of what is unknown in it and
// around it. owner is the spelling that would be lost, or nil.
func (w *figuresCounted) translate(around, owner jsontext.Value) (model.Figures, json.RawMessage) {
	figures := model.Figures{
		NewChats: w.NewChats.Ptr(), ChatTotal: w.ChatTotal.Ptr(), ChatsWithMessages: w.ChatsWithMessages.Ptr(),
		NewMembers: w.NewMembers.Ptr(), MemberTotal: w.MemberTotal.Ptr(), MembersWithMessages: w.MembersWithMessages.Ptr(),
		Messages: w.Messages.Ptr(), MigratedChats: w.MigratedChats.Ptr(),
	}
	var bad []lenient.Member
	for i, n := range w.all() {
		if len(n.Bad) > 0 {
			bad = append(bad, lenient.Member{Name: figureNames[i], Value: n.Bad})
		}
	}
	return figures, lenient.Extra(
		around, lenient.Member{Name: "owner", Value: owner}, lenient.Member{Name: "data", Value: lenient.Extra(w.Extra, bad...)},
	)
}

// nextOffset returns the offset of the next page as a cursor, or "" after the last
// one. Where the vendor leaves it out it is the number of rows so far; without a
// total only a full page has a next one. An offset that stands still, or an empty
// page, ends the list.
func nextOffset(offset int64, rows int, total, next lenient.Int) string {
	to := offset + int64(rows)
	if next.Set {
		to = next.Value
	}
	more := rows >= statRowsMax
	if total.Set {
		more = to < total.Value
	}
	if rows == 0 || to <= offset || !more {
		return ""
	}
	return strconv.FormatInt(to, 10)
}

// statRows collects one row for each key. Of two with the same key the later one
// counts.
type statRows[K comparable, R any] struct {
	rows []R
	// raws are the elements that the rows were made of.
	raws [][]byte
	at   map[K]int
}

func newStatRows[K comparable, R any](size int) statRows[K, R] {
	return statRows[K, R]{rows: make([]R, 0, size), raws: make([][]byte, 0, size), at: make(map[K]int, size)}
}

// put adds a row and returns the element of the one whose place it takes, or nil.
func (s *statRows[K, R]) put(key K, row R, raw []byte) (before []byte) {
	if i, twice := s.at[key]; twice {
		before = s.raws[i]
		s.rows[i], s.raws[i] = row, raw
		return before
	}
	s.at[key] = len(s.rows)
	s.rows, s.raws = append(s.rows, row), append(s.raws, raw)
	return nil
}
