package scrm

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
)

// paging is the part of a request that cuts a list into pages. An absent member
// is pageNo 1 and pageSize 10.
type paging struct {
	PageNo   *int64 `json:"pageNo"`
	PageSize *int64 `json:"pageSize"`
}

const pageSizeUsual = 10

// window returns which page is wanted and how large it is.
func (p *paging) window(o *Options) (no, size int64, bad refusal) {
	no, size = 1, pageSizeUsual
	if p.PageNo != nil {
		no = *p.PageNo
	}
	if p.PageSize != nil {
		size = *p.PageSize
	}
	largest := int64(o.PageSizeMax)
	switch {
	case no < 1:
		return 0, 0, invalid("pageNo is below 1")
	case size < 1:
		return 0, 0, invalid("pageSize is below 1")
	case size > largest && !o.ClampPageSize:
		return 0, 0, invalid("pageSize is above %d", largest)
	}
	return no, min(size, largest), refusal{}
}

// groupsRequest is the body of groupSop/getGroupList.
type groupsRequest struct {
	UserID          *int64  `json:"userId"`
	Keyword         string  `json:"keyword"`
	TagGroupIDs     []int64 `json:"tagGroupIds"`
	ConditionOp     int64   `json:"conditionOp"`
	StartCreateTime string  `json:"startCreateTime"`
	EndCreateTime   string  `json:"endCreateTime"`
	PageNo          *int64  `json:"pageNo"`
	PageSize        *int64  `json:"pageSize"`
}

// timeLayout is that of all times but a task's.
const timeLayout = "2006-01-02 15:04:05"

// span are the bounds of the creation time, in Unix seconds, both inclusive.
type span struct{ from, to int64 }

func (r *groupsRequest) span(rule BoundsRule) (span, refusal) {
	all := span{-never, never}
	if r.StartCreateTime != "" {
		at, ok := parseTime(r.StartCreateTime)
		if !ok {
			return all, invalid("startCreateTime is not yyyy-MM-dd HH:mm:ss")
		}
		all.from = at
		if rule == BoundsExclusive {
			all.from++
		}
	}
	if r.EndCreateTime != "" {
		at, ok := parseTime(r.EndCreateTime)
		if !ok {
			return all, invalid("endCreateTime is not yyyy-MM-dd HH:mm:ss")
		}
		all.to = at
		if rule != BoundsInclusive {
			all.to--
		}
	}
	return all, refusal{}
}

func parseTime(text string) (int64, bool) {
	at, err := time.ParseInLocation(timeLayout, text, chinaTime)
	return at.Unix(), err == nil && at.Format(timeLayout) == text
}

// decode reads a request body. Unknown members are refused, which the vendor is
// not known to do: they are how a misspelt filter shows.
func decode(body []byte, into any) refusal {
	if err := json.Unmarshal(body, into, json.RejectUnknownMembers(true)); err != nil {
		return invalid("request body: %v", err)
	}
	return refusal{}
}

// groupList answers groupSop/getGroupList.
func (s *Sim) groupList(c *call) ([]byte, refusal) {
	var r groupsRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	p := paging{r.PageNo, r.PageSize}
	no, size, bad := p.window(&s.opt)
	if bad.code != codeOK {
		return nil, bad
	}
	created, bad := r.span(s.opt.Bounds)
	switch {
	case bad.code != codeOK:
		return nil, bad
	case r.ConditionOp != 0 && r.ConditionOp != 1:
		return nil, invalid("conditionOp is neither 0 nor 1")
	case r.UserID == nil && s.opt.UserRequired:
		return nil, invalid("userId must not be null")
	}
	m := s.Moment()
	entries := s.wanted(&r, created, m)
	page := c.list.cut(no, size, len(entries), s.opt.LastBeyond)
	body := make([]byte, 0, 256+1200*(page.to-page.from))
	body = s.openPage(body, page)
	for i, e := range entries[page.from:page.to] {
		if i > 0 {
			body = append(body, ',')
		}
		g := s.group(e, m.At.Unix())
		body = s.appendGroup(body, &g)
	}
	return append(body, "]}}"...), refusal{}
}

// wanted are the groups that the filters of the request leave.
func (s *Sim) wanted(r *groupsRequest, created span, m Moment) []entry {
	x := s.index(m)
	staff, anybody := int32(-1), r.UserID == nil
	if !anybody {
		if n, known := s.tenant.staffNumber(*r.UserID); known {
			staff = int32(n)
		}
	}
	key := fmt.Sprintf("%d %t %d %d %v %q %d", staff, anybody, created.from, created.to, r.TagGroupIDs, r.Keyword, r.ConditionOp)
	at := m.At.Unix()
	return x.pick(key, func(e entry) bool {
		return (anybody || e.staff == staff) && e.created >= created.from && e.created <= created.to &&
			s.named(e, r.Keyword, at) && s.tagged(e, r, at)
	})
}

func (s *Sim) named(e entry, keyword string, at int64) bool {
	if keyword == "" {
		return true
	}
	name, _ := s.nameOf(e, at)
	if s.opt.KeywordExact {
		return name == keyword
	}
	return strings.Contains(name, keyword)
}

func (s *Sim) tagged(e entry, r *groupsRequest, at int64) bool {
	if len(r.TagGroupIDs) == 0 {
		return true
	}
	tags := s.tenant.tags(e.number, at)
	has := func(id int64) bool { return slices.ContainsFunc(tags, func(t Tag) bool { return t.ID == id }) }
	if (r.ConditionOp == 0) == s.opt.ZeroIsAny {
		return slices.ContainsFunc(r.TagGroupIDs, has)
	}
	return !slices.ContainsFunc(r.TagGroupIDs, func(id int64) bool { return !has(id) })
}

// usersRequest is the body of get-users. deleted is 0 for those who are there and
// 1 for those who have left; public clients send 0.
type usersRequest struct {
	Deleted  int64  `json:"deleted"`
	Name     string `json:"name"`
	PageNo   *int64 `json:"pageNo"`
	PageSize *int64 `json:"pageSize"`
}

// users answers get-users, of whose rows only salesId is known.
func (s *Sim) users(c *call) ([]byte, refusal) {
	var r usersRequest
	if bad := decode(c.request.Body, &r); bad.code != codeOK {
		return nil, bad
	}
	p := paging{r.PageNo, r.PageSize}
	no, size, bad := p.window(&s.opt)
	switch {
	case bad.code != codeOK:
		return nil, bad
	case r.Deleted != 0 && r.Deleted != 1:
		return nil, invalid("deleted is neither 0 nor 1")
	}
	list := slices.DeleteFunc(s.Employees(s.Moment()), func(e Employee) bool {
		return e.Deleted != (r.Deleted == 1) || !strings.Contains(e.Name, r.Name)
	})
	page := c.list.cut(no, size, len(list), s.opt.LastBeyond)
	body := s.openPage(nil, page)
	for i, e := range list[page.from:page.to] {
		if i > 0 {
			body = append(body, ',')
		}
		body = appendEmployee(body, e)
	}
	return append(body, "]}}"...), refusal{}
}
